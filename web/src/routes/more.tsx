// Parameters, networking, key vaults, identities, settings.
import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { paths } from '../paths'
import { frameRoute } from './root'

const inFrame = () => frameRoute

export const moreRoutes = [
  createRoute({ getParentRoute: inFrame, path: '/servers/$name/parameters',
    component: lazyRouteComponent(() => import('../pages/Parameters'), 'Parameters') }),
  createRoute({ getParentRoute: inFrame, path: '/servers/$name/networking',
    component: lazyRouteComponent(() => import('../pages/Networking'), 'Networking') }),
  createRoute({ getParentRoute: inFrame, path: '/keyvaults',
    component: lazyRouteComponent(() => import('../pages/KeyVaults'), 'KeyVaults') }),
  createRoute({ getParentRoute: inFrame, path: '/keyvaults/$vault',
    component: lazyRouteComponent(() => import('../pages/KeyVault'), 'KeyVault') }),
  createRoute({ getParentRoute: inFrame, path: '/keyvaults/$vault/keys/$key',
    component: lazyRouteComponent(() => import('../pages/Key'), 'Key') }),
  createRoute({ getParentRoute: inFrame, path: '/keyvaults/$vault/deleted',
    component: lazyRouteComponent(() => import('../pages/DeletedKeys'), 'DeletedKeys') }),
  createRoute({ getParentRoute: inFrame, path: '/keyvaults/$vault/roles',
    component: lazyRouteComponent(() => import('../pages/KeyVaultRoles'), 'KeyVaultRoles') }),
  createRoute({ getParentRoute: inFrame, path: '/keyvaults/$vault/audit',
    component: lazyRouteComponent(() => import('../pages/KeyVaultAudit'), 'KeyVaultAudit') }),
  createRoute({ getParentRoute: inFrame, path: '/identities',
    component: lazyRouteComponent(() => import('../pages/Identities'), 'Identities') }),
  createRoute({ getParentRoute: inFrame, path: '/identities/$name',
    component: lazyRouteComponent(() => import('../pages/Identity'), 'Identity') }),
  createRoute({ getParentRoute: inFrame, path: '/settings',
    beforeLoad: () => { throw redirect({ href: paths.settingsUsers(), replace: true }) } }),
  createRoute({ getParentRoute: inFrame, path: '/settings/users',
    component: lazyRouteComponent(() => import('../pages/SettingsUsers'), 'SettingsUsers') }),
  createRoute({ getParentRoute: inFrame, path: '/settings/roles',
    component: lazyRouteComponent(() => import('../pages/SettingsRoles'), 'SettingsRoles') }),
  createRoute({ getParentRoute: inFrame, path: '/settings/tokens',
    component: lazyRouteComponent(() => import('../pages/SettingsTokens'), 'SettingsTokens') }),
  createRoute({ getParentRoute: inFrame, path: '/settings/sign-in',
    component: lazyRouteComponent(() => import('../pages/SettingsSignIn'), 'SettingsSignIn') }),
  createRoute({ getParentRoute: inFrame, path: '/settings/activity',
    component: lazyRouteComponent(() => import('../pages/SettingsActivity'), 'SettingsActivity') }),
  createRoute({ getParentRoute: inFrame, path: '/settings/about',
    component: lazyRouteComponent(() => import('../pages/SettingsAbout'), 'SettingsAbout') }),
]
