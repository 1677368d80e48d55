import { QueryCache, QueryClient } from '@tanstack/react-query'
import { createRouter } from '@tanstack/react-router'
import { ApiError, whenUnauthenticated } from './api/client'
import { homeQuery, serversQuery, sessionQuery } from './api/queries'
import { Loading } from './parts/Guard'
import { paths } from './paths'
import { moreRoutes } from './routes/more'
import { frameRoute, rootRoute } from './routes/root'
import { serverRoutes, signInRoute } from './routes/servers'
import { parseSearch, stringifySearch } from './search'

export const client = new QueryClient({
  queryCache: new QueryCache(),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (n, error) => n < 2 && !(error instanceof ApiError && error.final),
      retryDelay: (n) => Math.min(500 * 2 ** n, 4_000),
    },
  },
})

export const router = createRouter({
  routeTree: rootRoute.addChildren([signInRoute, frameRoute.addChildren([...serverRoutes, ...moreRoutes])]),
  context: { client },
  parseSearch,
  stringifySearch,
  defaultPreload: false,
  defaultPendingMs: 150,
  defaultPendingComponent: () => <div style={{ padding: '24px 28px' }}><Loading /></div>,
})

/** The page's code and the first answers are fetched side by side, not one after the other. */
export const beginEarly = () => {
  if (window.location.pathname === '/sign-in') return
  void client.prefetchQuery(sessionQuery)
  for (const { routeId } of router.matchRoutes(router.latestLocation)) {
    const page = (router.routesById as Record<string, { options: { component?: unknown } }>)[routeId]?.options.component
    void (page as { preload?: () => Promise<unknown> } | undefined)?.preload?.()
  }
  if (window.location.pathname === '/') {
    void client.prefetchQuery(homeQuery)
    void client.prefetchQuery(serversQuery)
  }
}

whenUnauthenticated(() => {
  const { pathname, href } = router.state.location
  if (pathname === '/sign-in') return
  client.removeQueries({ queryKey: ['session'] })
  router.history.replace(paths.signIn(href === '/' ? undefined : href))
})
