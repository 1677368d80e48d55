// Home, servers and their pages.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { NotFound } from '../pages/errors'
import { frameRoute, rootRoute } from './root'

const inFrame = () => frameRoute

export const signInRoute = createRoute({
  getParentRoute: () => rootRoute, path: '/sign-in',
  component: lazyRouteComponent(() => import('../pages/SignIn'), 'SignIn'),
})

export const serverRoutes = [
  createRoute({ getParentRoute: inFrame, path: '/', component: lazyRouteComponent(() => import('../pages/home/Home'), 'Home') }),
  createRoute({ getParentRoute: inFrame, path: '/servers',
    component: lazyRouteComponent(() => import('../pages/servers/Servers'), 'Servers') }),
  createRoute({ getParentRoute: inFrame, path: '/servers/$name',
    component: lazyRouteComponent(() => import('../pages/servers/Server'), 'Server') }),
  createRoute({ getParentRoute: inFrame, path: '/servers/$name/connect',
    component: lazyRouteComponent(() => import('../pages/servers/Connect'), 'Connect') }),
  createRoute({ getParentRoute: inFrame, path: '/servers/$name/encryption',
    component: lazyRouteComponent(() => import('../pages/encryption/Encryption'), 'Encryption') }),
  // Whatever no route knows is said inside the frame, so that one can go on from there.
  createRoute({ getParentRoute: inFrame, path: '$', component: NotFound }),
  createRoute({ getParentRoute: inFrame, path: '/jobs', component: lazyRouteComponent(() => import('../pages/Jobs'), 'Jobs') }),
]
