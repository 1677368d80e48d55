// Command palette: pages, servers, key vaults, identities, actions, by a few typed letters.
import { Dialog, DialogSurface, Text, makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import { SearchRegular } from '@fluentui/react-icons'
import { useQuery } from '@tanstack/react-query'
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react'
import { identitiesQuery, keyvaultsQuery, serversQuery } from '../api/queries'
import { useGo } from '../parts/Link'
import { type Path, paths } from '../paths'
import { useSignOut } from './PersonMenu'
import { THEMES, chooseTheme, themeNames } from './theme'

export interface Entry {
  group: string
  text: string
  to?: Path
  act?: () => void
}

/** Entries that hold every typed word, those that begin with the first one before the others. */
export const match = (entries: Entry[], typed: string): Entry[] => {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean)
  if (!words.length) return entries.slice(0, 60)
  const held = entries.filter(({ group, text }) => {
    const line = `${text} ${group}`.toLowerCase()
    return words.every((word) => line.includes(word))
  })
  const begins = (entry: Entry) => (entry.text.toLowerCase().startsWith(words[0] ?? '') ? 0 : 1)
  return held.sort((a, b) => begins(a) - begins(b)).slice(0, 60)
}

const pages: Entry[] = [
  ['Home', paths.home()], ['Servers', paths.servers()], ['Posture', paths.posture()], ['Key vaults', paths.keyvaults()],
  ['Identities', paths.identities()], ['Logs', paths.logs()], ['Tables', paths.tables()],
  ['Connectors', paths.connectors()], ['Settings', paths.settings()], ['Users', paths.settingsUsers()],
  ['Roles', paths.settingsRoles()], ['Tokens', paths.settingsTokens()], ['Sign-in', paths.settingsSignIn()],
  ['Activity', paths.settingsActivity()], ['About', paths.settingsAbout()], ['Jobs', paths.jobs()],
].map(([text, to]) => ({ group: 'Page', text: text as string, to: to as Path }))

const ofServer = (name: string): Entry[] =>
  ([
    ['', paths.server(name)], [': connect', paths.connect(name)], [': parameters', paths.parameters(name)],
    [': networking', paths.networking(name)], [': data encryption', paths.encryption(name)],
    [': posture', paths.serverPosture(name)],
  ] as const).map(([text, to]) => ({ group: 'Server', text: name + text, to }))

const useStyles = makeStyles({
  surface: { padding: 0, overflow: 'hidden', width: 'min(640px, 94vw)', maxWidth: '640px', alignSelf: 'start', marginTop: '12vh' },
  top: { display: 'flex', alignItems: 'center', gap: '10px', padding: '12px 16px',
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}` },
  input: { flexGrow: 1, border: 'none', outline: 'none', background: 'none', font: 'inherit',
    fontSize: tokens.fontSizeBase400, color: tokens.colorNeutralForeground1, '::placeholder': { color: tokens.colorNeutralForeground3 } },
  list: { listStyleType: 'none', margin: 0, padding: '6px', maxHeight: '50vh', overflowY: 'auto' },
  entry: { display: 'flex', justifyContent: 'space-between', gap: '12px', padding: '8px 12px', cursor: 'pointer',
    borderRadius: tokens.borderRadiusMedium },
  here: { backgroundColor: tokens.colorNeutralBackground1Selected, color: tokens.colorNeutralForeground1Selected,
    outline: `1px solid ${tokens.colorTransparentStrokeInteractive}`, '& span': { color: 'inherit' } },
  quiet: { color: tokens.colorNeutralForeground2 },
  none: { padding: '16px' },
})

const Palette = ({ onClose }: { onClose: () => void }) => {
  const s = useStyles()
  const go = useGo()
  const signOut = useSignOut()
  const [typed, setTyped] = useState('')
  const [at, setAt] = useState(0)
  const list = useRef<HTMLUListElement>(null)
  const servers = useQuery(serversQuery).data
  const vaults = useQuery(keyvaultsQuery).data
  const identities = useQuery(identitiesQuery).data
  const entries = useMemo(
    () => [
      ...pages,
      ...(servers ?? []).flatMap((one) => ofServer(one.name)),
      ...(vaults ?? []).map((one) => ({ group: 'Key vault', text: one.name, to: paths.keyvault(one.name) })),
      ...(identities ?? []).map((one) => ({ group: 'Identity', text: one.name, to: paths.identity(one.name) })),
      { group: 'Action', text: 'Create a server', to: paths.servers({ create: true }) },
      { group: 'Action', text: 'Create a key vault', to: paths.keyvaults({ create: true }) },
      { group: 'Action', text: 'Create an identity', to: paths.identities({ create: true }) },
      ...THEMES.map((one) => ({ group: 'Action', text: `Theme: ${themeNames[one]}`, act: () => chooseTheme(one) })),
      { group: 'Action', text: 'Sign out', act: () => void signOut() },
    ],
    [servers, vaults, identities, signOut],
  )
  const shown = useMemo(() => match(entries, typed), [entries, typed])
  useEffect(() => setAt(0), [typed])
  useEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: 'nearest' })
  }, [at])
  const choose = (entry: Entry | undefined) => {
    if (!entry) return
    onClose()
    if (entry.to) go(entry.to)
    entry.act?.()
  }
  const press = (event: KeyboardEvent) => {
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: shown.length - 1 }[event.key]
    if (event.key === 'Enter') choose(shown[at])
    else if (to !== undefined && shown.length) setAt((to + shown.length) % shown.length)
    else return
    event.preventDefault()
  }
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface className={s.surface} aria-label="Command palette">
        <div className={s.top}>
          <SearchRegular aria-hidden />
          <input className={s.input} autoFocus value={typed} onChange={(event) => setTyped(event.target.value)}
            onKeyDown={press} placeholder="Go to a page, a server, an action" role="combobox" aria-expanded
            aria-label="Command" aria-controls="palette" aria-autocomplete="list"
            aria-activedescendant={shown.length ? `palette-${at}` : undefined} />
        </div>
        {shown.length === 0 && <Text className={mergeClasses(s.none, s.quiet)} role="status">Nothing is called “{typed}”.</Text>}
        <ul id="palette" ref={list} role="listbox" aria-label="Found" className={s.list}>
          {shown.map((entry, i) => (
            <li key={entry.group + entry.text} id={`palette-${i}`} role="option" aria-selected={i === at}
              className={mergeClasses(s.entry, i === at && s.here)} onClick={() => choose(entry)}
              onMouseMove={() => setAt(i)}>
              <span>{entry.text}</span>
              <Text size={200} className={s.quiet}>{entry.group}</Text>
            </li>
          ))}
        </ul>
      </DialogSurface>
    </Dialog>
  )
}

export default Palette
