// Parameters, networking, key vaults, identities, logs, settings.
import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { paths } from '../paths'
import { frameRoute } from './root'

const inFrame = () => frameRoute

export const moreRoutes = [
  createRoute({ getParentRoute: inFrame, path: '/servers/$name/parameters',
    component: lazyRouteComponent(() => import('../pages/parameters/Parameters'), 'Parameters') }),
  createRoute({ getParentRoute: inFrame, path: '/servers/$name/networking',
    component: lazyRouteComponent(() => import('../pages/networking/Networking'), 'Networking') }),
  createRoute({ getParentRoute: inFrame, path: '/keyvaults',
    component: lazyRouteComponent(() => import('../pages/keyvaults/KeyVaultsPage'), 'KeyVaultsPage') }),
  createRoute({ getParentRoute: inFrame, path: '/keyvaults/$vault',
    component: lazyRouteComponent(() => import('../pages/keyvaults/KeyVault'), 'KeyVault') }),
  createRoute({ getParentRoute: inFrame, path: '/keyvaults/$vault/keys/$key',
    component: lazyRouteComponent(() => import('../pages/keyvaults/Key'), 'Key') }),
  createRoute({ getParentRoute: inFrame, path: '/keyvaults/$vault/deleted',
    component: lazyRouteComponent(() => import('../pages/keyvaults/DeletedKeys'), 'DeletedKeys') }),
  createRoute({ getParentRoute: inFrame, path: '/keyvaults/$vault/roles',
    component: lazyRouteComponent(() => import('../pages/keyvaults/KeyVaultRoles'), 'KeyVaultRoles') }),
  createRoute({ getParentRoute: inFrame, path: '/keyvaults/$vault/audit',
    component: lazyRouteComponent(() => import('../pages/keyvaults/KeyVaultAudit'), 'KeyVaultAudit') }),
  createRoute({ getParentRoute: inFrame, path: '/identities',
    component: lazyRouteComponent(() => import('../pages/identities/IdentitiesPage'), 'IdentitiesPage') }),
  createRoute({ getParentRoute: inFrame, path: '/identities/$name',
    component: lazyRouteComponent(() => import('../pages/identities/Identity'), 'Identity') }),
  createRoute({ getParentRoute: inFrame, path: '/logs',
    component: lazyRouteComponent(() => import('../pages/logs/LogsPage'), 'LogsPage') }),
  createRoute({ getParentRoute: inFrame, path: '/tables',
    component: lazyRouteComponent(() => import('../pages/tables/TablesPage'), 'TablesPage') }),
  createRoute({ getParentRoute: inFrame, path: '/connectors',
    component: lazyRouteComponent(() => import('../pages/connectors/ConnectorsPage'), 'ConnectorsPage') }),
  createRoute({ getParentRoute: inFrame, path: '/settings',
    beforeLoad: () => { throw redirect({ href: paths.settingsUsers(), replace: true }) } }),
  createRoute({ getParentRoute: inFrame, path: '/settings/users',
    component: lazyRouteComponent(() => import('../pages/settings/UsersPage'), 'UsersPage') }),
  createRoute({ getParentRoute: inFrame, path: '/settings/roles',
    component: lazyRouteComponent(() => import('../pages/settings/RolesPage'), 'SettingsRolesPage') }),
  createRoute({ getParentRoute: inFrame, path: '/settings/tokens',
    component: lazyRouteComponent(() => import('../pages/settings/TokensPage'), 'TokensPage') }),
  createRoute({ getParentRoute: inFrame, path: '/settings/sign-in',
    component: lazyRouteComponent(() => import('../pages/settings/SignInPage'), 'SignInSettingsPage') }),
  createRoute({ getParentRoute: inFrame, path: '/settings/activity',
    component: lazyRouteComponent(() => import('../pages/settings/ActivityPage'), 'ActivityPage') }),
  createRoute({ getParentRoute: inFrame, path: '/settings/about',
    component: lazyRouteComponent(() => import('../pages/settings/AboutPage'), 'AboutPage') }),
]
