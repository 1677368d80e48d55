// The five parts of every page: title, command bar, message bar, essentials, content.
import {
  Breadcrumb, BreadcrumbButton, BreadcrumbDivider, BreadcrumbItem, Button, type ButtonProps,
  MessageBar, MessageBarBody, MessageBarTitle, Text, Title3, Toolbar, Tooltip,
  makeStyles, mergeClasses, tokens,
} from '@fluentui/react-components'
import { Fragment, type ReactElement, type ReactNode, useEffect } from 'react'
import { useRouterState } from '@tanstack/react-router'
import { useMay } from '../api/queries'
import type { Path } from '../paths'
import { type CliLine, CopyAsCli } from './CopyAsCli'
import { useAnchor } from './Link'

const useStyles = makeStyles({
  page: { display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: '16px', padding: '16px 28px 48px', alignContent: 'start', minWidth: 0,
    '@media (max-width: 640px)': { padding: '12px 16px 40px' } },
  head: { display: 'grid', gap: '6px' },
  regular: { fontWeight: tokens.fontWeightRegular },
  h1: { margin: 0, outlineStyle: 'none' },
  crumbs: { marginLeft: '-8px' },
  here: { paddingInline: '8px' },
  titleLine: { display: 'flex', alignItems: 'center', gap: '12px', flexWrap: 'wrap' },
  lead: { color: tokens.colorNeutralForeground2, maxWidth: '80ch' },
  bar: { display: 'flex', alignItems: 'center', gap: '4px', flexWrap: 'wrap', padding: '0 0 6px',
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}` },
  gap: { flexGrow: 1 },
  tabs: { display: 'flex', gap: '4px', flexWrap: 'wrap', borderBottom: `1px solid ${tokens.colorNeutralStroke2}` },
  tab: {
    padding: '8px 12px', textDecorationLine: 'none', color: tokens.colorNeutralForeground2,
    borderBottom: '3px solid transparent', borderRadius: `${tokens.borderRadiusMedium} ${tokens.borderRadiusMedium} 0 0`,
    ':hover': { color: tokens.colorNeutralForeground1, backgroundColor: tokens.colorNeutralBackground1Hover },
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: '-2px' },
  },
  tabHere: { color: tokens.colorNeutralForeground1, fontWeight: tokens.fontWeightSemibold,
    borderBottomColor: tokens.colorCompoundBrandStroke },
  essentials: {
    display: 'grid', gridTemplateColumns: 'repeat(auto-fill, minmax(min(320px, 100%), 1fr))', columnGap: '40px',
    rowGap: '0', margin: 0, padding: '8px 20px', border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusLarge, backgroundColor: tokens.colorNeutralBackground1,
  },
  pair: { display: 'grid', gridTemplateColumns: '136px minmax(0, 1fr)', gap: '12px', alignItems: 'start', padding: '5px 0',
    minWidth: 0, '@media (max-width: 480px)': { gridTemplateColumns: 'minmax(0, 1fr)', gap: 0 } },
  name: { color: tokens.colorNeutralForeground2, margin: 0, lineHeight: '24px' },
  value: { margin: 0, minWidth: 0, minHeight: '24px', lineHeight: '24px', overflowWrap: 'anywhere' },
  section: { display: 'grid', gridTemplateColumns: 'minmax(0, 1fr)', gap: '12px', minWidth: 0 },
  sectionHead: { display: 'flex', alignItems: 'center', gap: '12px', flexWrap: 'wrap' },
  card: { padding: '16px 20px', border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusLarge, backgroundColor: tokens.colorNeutralBackground1, minWidth: 0 },
  messages: { display: 'grid', gap: '8px' },
  h2: { margin: 0, fontSize: tokens.fontSizeBase400, lineHeight: tokens.lineHeightBase400,
    fontWeight: tokens.fontWeightSemibold },
})

export interface Crumb {
  text: string
  to: Path
}

export interface Action {
  label: string
  icon?: ReactElement
  onClick?: () => void
  to?: Path
  primary?: boolean
  /** Why it cannot be done now; the button is disabled and says so. */
  refused?: string | false | undefined
  /** The operation of the API that it does; offered only to whom a role allows it. */
  needs?: string
  /** The same for a shell. */
  line?: CliLine
}

export interface Message {
  intent: 'info' | 'warning' | 'error' | 'success'
  title: string
  text?: ReactNode
  actions?: ReactNode
}

export interface PageProps {
  title: string
  /** Beside the title: a state, a verdict. */
  badge?: ReactNode
  lead?: ReactNode
  crumbs?: Crumb[]
  tabs?: { label: string; items: { text: string; to: Path }[] }
  actions?: Action[]
  /** Lines for a shell that belong to no button. */
  lines?: CliLine[]
  messages?: (Message | false | null | undefined)[]
  essentials?: Fact[] | undefined
  children?: ReactNode
}

export const Page = (props: PageProps) => {
  const s = useStyles()
  const { title, badge, lead, crumbs = [], tabs, actions = [], lines = [], messages = [], essentials, children } = props
  useEffect(() => {
    const section = crumbs.at(-1)?.text
    document.title = [title, section, 'pgkeep'].filter((t, i, all) => t && all.indexOf(t) === i).join(' · ')
  }, [title, crumbs])
  const shown = messages.filter((m): m is Message => Boolean(m))
  const cli = [...actions.flatMap((a) => (a.line ? [a.line] : [])), ...lines]
  return (
    <div className={s.page}>
      <div className={s.head}>
        {crumbs.length > 0 && <Crumbs crumbs={crumbs} here={title} />}
        <div className={s.titleLine}>
          <Title3 as="h1" className={s.h1}>{title}</Title3>
          {badge}
          {cli.length > 0 && actions.length === 0 && (
            <>
              <span className={s.gap} />
              <CopyAsCli lines={cli} />
            </>
          )}
        </div>
        {lead && <Text className={s.lead}>{lead}</Text>}
      </div>
      {tabs && <SubNav {...tabs} />}
      {actions.length > 0 && (
        <Toolbar aria-label="Commands" className={s.bar}>
          {actions.map((action) => <ActionButton key={action.label} {...action} />)}
          <span className={s.gap} />
          {cli.length > 0 && <CopyAsCli lines={cli} />}
        </Toolbar>
      )}
      {shown.length > 0 && (
        <div className={s.messages}>
          {shown.map((m) => <Note key={m.title} {...m} />)}
        </div>
      )}
      {essentials && <Essentials facts={essentials} />}
      {children}
    </div>
  )
}

export const Note = ({ intent, title, text, actions }: Message) => (
  <MessageBar intent={intent} layout="multiline">
    <MessageBarBody>
      <MessageBarTitle>{title}</MessageBarTitle> {text}
      {actions && <div style={{ display: 'flex', gap: 8, paddingTop: 6 }}>{actions}</div>}
    </MessageBarBody>
  </MessageBar>
)

const Crumbs = ({ crumbs, here }: { crumbs: Crumb[]; here: string }) => {
  const s = useStyles()
  const anchor = useAnchor()
  return (
    <Breadcrumb size="small" aria-label="Breadcrumb" className={s.crumbs}>
      {crumbs.map(({ text, to }) => (
        <Fragment key={to}>
          <BreadcrumbItem>
            <BreadcrumbButton as="a" {...(anchor(to) as object)}>{text}</BreadcrumbButton>
          </BreadcrumbItem>
          <BreadcrumbDivider />
        </Fragment>
      ))}
      <BreadcrumbItem><Text size={200} aria-current="page" className={s.here}>{here}</Text></BreadcrumbItem>
    </Breadcrumb>
  )
}

/** The pages of one thing, as links. */
export const SubNav = ({ label, items }: { label: string; items: { text: string; to: Path }[] }) => {
  const s = useStyles()
  const anchor = useAnchor()
  const here = useRouterState({ select: (state) => state.location.pathname })
  return (
    <nav aria-label={label} className={s.tabs}>
      {items.map(({ text, to }) => {
        const isHere = here === to.split('?')[0]
        return (
          <a key={to} {...anchor(to)} aria-current={isHere ? 'page' : undefined}
            className={mergeClasses(s.tab, isHere && s.tabHere)}>
            {text}
          </a>
        )
      })}
    </nav>
  )
}

/** A button that says why it is disabled. */
export const ActionButton = ({ label, icon, onClick, to, primary, refused: not, needs }: Action) => {
  const may = useMay()
  const refused = needs && !may(needs) ? 'None of your roles allows this' : not
  const s = useStyles()
  const anchor = useAnchor()
  const common: Partial<ButtonProps> = primary ? { appearance: 'primary' } : { appearance: 'subtle', className: s.regular }
  if (icon) common.icon = icon
  if (to && !refused) return <Button as="a" {...(common as object)} {...(anchor(to) as object)}>{label}</Button>
  const button = (
    <Button {...(common as object)} disabledFocusable={Boolean(refused)} onClick={refused ? undefined : onClick}>
      {label}
    </Button>
  )
  return refused ? <Tooltip content={refused} relationship="description">{button}</Tooltip> : button
}

export interface Fact {
  name: string
  value: ReactNode
}

/** What one needs to know first, in aligned pairs. */
export const Essentials = ({ facts }: { facts: Fact[] }) => {
  const s = useStyles()
  return (
    <dl className={s.essentials} aria-label="Essentials">
      {facts.map(({ name, value }) => (
        <div key={name} className={s.pair}>
          <dt className={s.name}>{name}</dt>
          <dd className={s.value}>{value ?? '–'}</dd>
        </div>
      ))}
    </dl>
  )
}

/** A part of the content with a heading of its own. */
export const Section = ({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) => {
  const s = useStyles()
  return (
    <section className={s.section} aria-label={title}>
      <div className={s.sectionHead}>
        <h2 className={s.h2}>{title}</h2>
        <span className={s.gap} />
        {aside}
      </div>
      {children}
    </section>
  )
}

export const Card = ({ children }: { children: ReactNode }) => <div className={useStyles().card}>{children}</div>
