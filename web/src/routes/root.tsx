// The root of the routes, and the frame that wants a session.
import { createRootRouteWithContext, createRoute, redirect } from '@tanstack/react-router'
import type { QueryClient } from '@tanstack/react-query'
import { ApiError } from '../api/client'
import { sessionQuery } from '../api/queries'
import { Shell } from '../frame/Shell'
import { Broken, NotFound } from '../pages/errors'
import { paths, takeBack } from '../paths'

export const rootRoute = createRootRouteWithContext<{ client: QueryClient }>()({
  notFoundComponent: NotFound,
  errorComponent: Broken,
})

/** Every page in the frame: without a session one signs in first and comes back. */
export const frameRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'frame',
  component: Shell,
  notFoundComponent: NotFound,
  beforeLoad: async ({ context, location }) => {
    try {
      await context.client.ensureQueryData(sessionQuery)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error
      throw redirect({ href: paths.signIn(location.href === '/' ? undefined : location.href) })
    }
    const back = location.pathname === '/' ? takeBack() : undefined
    if (back) throw redirect({ href: back, replace: true })
  },
})
