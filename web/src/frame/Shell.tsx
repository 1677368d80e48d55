// The frame around every page: skip link, header, navigation, offline banner, toasts.
import { Button, MessageBar, MessageBarBody, Tooltip, makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import { NavigationRegular } from '@fluentui/react-icons'
import { Outlet, useRouterState } from '@tanstack/react-router'
import { useIsFetching, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { Boundary } from '../parts/Guard'
import { useAnchor } from '../parts/Link'
import { paths } from '../paths'
import { JobTray } from './JobTray'
import { Navigation } from './Navigation'
import { NoteList, Toasts } from './Notifications'
import { PaletteButton } from './PaletteButton'
import { PersonMenu } from './PersonMenu'
import { ThemeMenu } from './ThemeMenu'

const NARROW = '@media (max-width: 820px)'

const useStyles = makeStyles({
  shell: {
    display: 'grid', gridTemplateRows: 'auto 1fr', gridTemplateColumns: '232px minmax(0, 1fr)', height: '100dvh',
    backgroundColor: tokens.colorNeutralBackground2, color: tokens.colorNeutralForeground1,
    [NARROW]: { gridTemplateColumns: 'minmax(0, 1fr)' },
  },
  skip: {
    position: 'absolute', left: '8px', top: '-60px', zIndex: 10, padding: '8px 16px',
    backgroundColor: tokens.colorNeutralBackground1, color: tokens.colorBrandForegroundLink,
    borderRadius: tokens.borderRadiusMedium, ':focus': { top: '8px' },
  },
  header: {
    gridColumn: '1 / -1', display: 'flex', alignItems: 'center', gap: '8px', padding: '0 12px', height: '48px', minWidth: 0,
    backgroundColor: tokens.colorNeutralBackground1, borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  brand: {
    display: 'inline-flex', alignItems: 'center', gap: '10px', textDecorationLine: 'none', padding: '4px 8px',
    color: tokens.colorNeutralForeground1, fontWeight: tokens.fontWeightSemibold, fontSize: tokens.fontSizeBase400,
    borderRadius: tokens.borderRadiusMedium,
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  middle: { flexGrow: 1, display: 'flex', justifyContent: 'center', minWidth: 0 },
  nav: {
    overflowY: 'auto', backgroundColor: tokens.colorNeutralBackground1, minHeight: 0,
    borderRight: `1px solid ${tokens.colorNeutralStroke2}`, [NARROW]: { display: 'none' },
  },
  navOpen: {
    [NARROW]: { display: 'block', position: 'fixed', zIndex: 5, top: '48px', bottom: 0, left: 0, width: '260px',
      boxShadow: tokens.shadow28 },
  },
  burger: { display: 'none', [NARROW]: { display: 'inline-flex' } },
  main: { overflowY: 'auto', minWidth: 0, minHeight: 0, outline: 'none' },
  inner: { maxWidth: '1440px' },
})

const online = (listener: () => void) => {
  window.addEventListener('online', listener)
  window.addEventListener('offline', listener)
  return () => {
    window.removeEventListener('online', listener)
    window.removeEventListener('offline', listener)
  }
}

export const Shell = () => {
  const s = useStyles()
  const anchor = useAnchor()
  const [navOpen, setNavOpen] = useState(false)
  const pathname = useRouterState({ select: (state) => state.location.pathname })
  const main = useRef<HTMLElement>(null)
  const first = useRef(true)
  useEffect(() => {
    setNavOpen(false)
    if (first.current) {
      first.current = false
      return
    }
    // A new page: from its top, and a screen reader begins at it.
    main.current?.scrollTo(0, 0)
    main.current?.focus({ preventScroll: true })
  }, [pathname])
  return (
    <div className={s.shell}>
      <a className={s.skip} href="#content" onClick={(event) => {
        event.preventDefault()
        main.current?.focus()
      }}>
        Skip to the content
      </a>
      <header className={s.header}>
        <Tooltip content="Navigation" relationship="label">
          <Button className={s.burger} appearance="subtle" icon={<NavigationRegular />} aria-expanded={navOpen}
            onClick={() => setNavOpen(!navOpen)} />
        </Tooltip>
        <a {...anchor(paths.home())} className={s.brand} aria-label="pgkeep, home">
          <img src="/favicon.svg" alt="" width={22} height={22} />
          pgkeep
        </a>
        <div className={s.middle}><PaletteButton /></div>
        <JobTray />
        <NoteList />
        <ThemeMenu />
        <PersonMenu />
      </header>
      <div className={mergeClasses(s.nav, navOpen && s.navOpen)}><Navigation /></div>
      <main id="content" ref={main} tabIndex={-1} className={s.main}>
        <Offline />
        <div className={s.inner}>
          <Boundary key={pathname}><Outlet /></Boundary>
        </div>
      </main>
      <Toasts />
    </div>
  )
}

/** Says that what is seen is not fresh: no network, or a plane that does not answer. */
const Offline = () => {
  const isOnline = useSyncExternalStore(online, () => navigator.onLine)
  const client = useQueryClient()
  useIsFetching()
  const unreachable = client.getQueryCache().getAll().some((query) => {
    const error = query.state.error as { status?: number } | null
    return query.isActive() && error?.status === 0
  })
  if (isOnline && !unreachable) return null
  return (
    <MessageBar intent="warning" shape="square" politeness="polite">
      <MessageBarBody>
        {isOnline ? 'The plane does not answer' : 'This computer is offline'}: what you see may be old.
        The page asks again by itself.
      </MessageBarBody>
    </MessageBar>
  )
}
