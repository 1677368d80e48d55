// The navigation. A page of a later part gets its line here with the part.
import { Nav, NavItem, NavSectionHeader, makeStyles } from '@fluentui/react-components'
import {
  DocumentSearchRegular, HomeRegular, KeyMultipleRegular, PersonKeyRegular, PlugConnectedRegular, ServerRegular, SettingsRegular,
  ShieldCheckmarkRegular, TableRegular,
} from '@fluentui/react-icons'
import { useRouterState } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { useAnchor } from '../parts/Link'
import { type Path, paths } from '../paths'

interface Entry {
  text: string
  to: Path
  icon: ReactElement
}

export const sections: { title?: string; entries: Entry[] }[] = [
  { entries: [{ text: 'Home', to: paths.home(), icon: <HomeRegular /> }] },
  { title: 'Data', entries: [{ text: 'Servers', to: paths.servers(), icon: <ServerRegular /> }] },
  { title: 'Security', entries: [{ text: 'Posture', to: paths.posture(), icon: <ShieldCheckmarkRegular /> }] },
  {
    title: 'Keys',
    entries: [
      { text: 'Key vaults', to: paths.keyvaults(), icon: <KeyMultipleRegular /> },
      { text: 'Identities', to: paths.identities(), icon: <PersonKeyRegular /> },
    ],
  },
  {
    title: 'Logs',
    entries: [
      { text: 'Logs', to: paths.logs(), icon: <DocumentSearchRegular /> },
      { text: 'Tables', to: paths.tables(), icon: <TableRegular /> },
      { text: 'Connectors', to: paths.connectors(), icon: <PlugConnectedRegular /> },
    ],
  },
  { title: 'Administration', entries: [{ text: 'Settings', to: paths.settings(), icon: <SettingsRegular /> }] },
]

const useStyles = makeStyles({
  nav: { padding: '8px', display: 'grid', gap: '2px', backgroundColor: 'transparent', width: '100%', boxSizing: 'border-box' },
  item: { backgroundColor: 'transparent', '& .fui-Icon-font, & svg': { fontSize: '20px', width: '20px', height: '20px' } },
})

export const Navigation = () => {
  const s = useStyles()
  const anchor = useAnchor()
  const pathname = useRouterState({ select: (state) => state.location.pathname })
  const here = `/${pathname.split('/')[1] ?? ''}`
  return (
    <nav aria-label="Main">
    <Nav selectedValue={here} className={s.nav}>
      {sections.map(({ title, entries }) => [
        title && <NavSectionHeader key={title}>{title}</NavSectionHeader>,
        ...entries.map(({ text, to, icon }) => (
          <NavItem key={to} as="a" value={to} icon={icon} className={s.item}
            aria-current={here === to ? 'page' : undefined} {...(anchor(to) as object)}>
            {text}
          </NavItem>
        )),
      ])}
    </Nav>
    </nav>
  )
}
