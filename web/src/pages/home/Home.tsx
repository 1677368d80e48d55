// The first page: what holds, what needs attention, what to do next.
import { Text, makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import { ArrowRightRegular } from '@fluentui/react-icons'
import { useQuery } from '@tanstack/react-query'
import { homeQuery, serversQuery } from '../../api/queries'
import type { Attention, HomeTile, NextAction, Server } from '../../api/types'
import { CopyButton } from '../../parts/Copy'
import { Empty, Guard } from '../../parts/Guard'
import { Link } from '../../parts/Link'
import { Page, Section } from '../../parts/Page'
import { Badge, Basis, type Tone, VerdictBadge, toneOf } from '../../parts/State'
import { safePath } from '../../paths'
import { ServerTable } from '../servers/ServerTable'

const useStyles = makeStyles({
  tiles: { display: 'grid', gap: '16px', gridTemplateColumns: 'repeat(auto-fit, minmax(min(236px, 100%), 1fr))' },
  tile: {
    display: 'grid', gap: '10px', alignContent: 'start', gridTemplateRows: 'auto auto 1fr auto auto', padding: '16px 20px',
    border: `1px solid ${tokens.colorNeutralStroke2}`, borderTop: '3px solid', borderRadius: tokens.borderRadiusLarge,
    backgroundColor: tokens.colorNeutralBackground1,
  },
  good: { borderTopColor: tokens.colorStatusSuccessBorderActive },
  warn: { borderTopColor: tokens.colorStatusWarningBorderActive },
  bad: { borderTopColor: tokens.colorStatusDangerBorderActive },
  busy: { borderTopColor: tokens.colorBrandStroke1 },
  quiet: { borderTopColor: tokens.colorNeutralStroke1 },
  h2: { margin: 0, fontSize: tokens.fontSizeBase300, fontWeight: tokens.fontWeightSemibold, lineHeight: tokens.lineHeightBase300 },
  two: { display: 'grid', gap: '24px', gridTemplateColumns: 'repeat(auto-fit, minmax(min(440px, 100%), 1fr))', alignItems: 'start' },
  list: { listStyleType: 'none', margin: 0, padding: '0 20px', border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusLarge, backgroundColor: tokens.colorNeutralBackground1 },
  item: { display: 'grid', gap: '4px', padding: '14px 0', minWidth: 0,
    ':not(:last-child)': { borderBottom: `1px solid ${tokens.colorNeutralStroke3}` } },
  headline: { display: 'flex', gap: '12px', flexWrap: 'wrap', alignItems: 'center' },
  grey: { color: tokens.colorNeutralForeground2 },
  cli: { display: 'flex', alignItems: 'center', gap: '4px', minWidth: 0, justifyContent: 'space-between',
    backgroundColor: tokens.colorNeutralBackground3, borderRadius: tokens.borderRadiusMedium, padding: '2px 4px 2px 10px' },
  code: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200, overflowWrap: 'anywhere' },
  go: { display: 'inline-flex', alignItems: 'center', gap: '4px' },
})

export const Home = () => {
  const s = useStyles()
  const home = useQuery(homeQuery)
  const servers = useQuery(serversQuery)
  return (
    <Page title="Home" lead="What holds, what needs attention, and what to do next."
      lines={[{ title: 'The state of everything', cli: 'pgkeep status -o json', path: '/home' }]}>
      <Guard query={home} lines={6}>
        {(data) => (
          <>
            <div className={s.tiles}>{data.tiles.map((tile) => <Tile key={tile.id} {...tile} />)}</div>
            <div className={s.two}>
              <Section title="Needs attention">
                {data.attention.length ? (
                  <ul className={s.list}>{data.attention.map((one) => <AttentionItem key={one.title} {...one} />)}</ul>
                ) : (
                  <Empty title="Nothing needs you now" text="Lost keys, changed bytes, certificates that end and servers that do not start are listed here with the command that helps." />
                )}
              </Section>
              <Section title="Next actions">
                {data.actions.length ? (
                  <ul className={s.list}>{data.actions.map((one) => <ActionItem key={one.title} {...one} />)}</ul>
                ) : (
                  <Empty title="Nothing left to suggest" text="Everything we would have advised is done." />
                )}
              </Section>
            </div>
          </>
        )}
      </Guard>
      <Section title="Servers">
        <Guard query={servers}>{(rows: Server[]) => <ServerTable rows={rows} urlKey="s" />}</Guard>
      </Section>
    </Page>
  )
}

const Tile = ({ title, verdict, summary, looked_at, rule, link }: HomeTile) => {
  const s = useStyles()
  return (
    <section className={mergeClasses(s.tile, s[toneOf(verdict)])} aria-label={title}>
      <h2 className={s.h2}>{title}</h2>
      <VerdictBadge verdict={verdict} />
      <Text>{summary}</Text>
      <Basis looked_at={looked_at} rule={rule} />
      <Link to={safePath(link)} aria-label={`Look closer: ${title}`}>
        <span className={s.go}>Look closer <ArrowRightRegular aria-hidden /></span>
      </Link>
    </section>
  )
}

const severities: Record<string, [Tone, string]> = {
  critical: ['bad', 'Critical'], warning: ['warn', 'Warning'], info: ['quiet', 'For your information'],
}

const AttentionItem = ({ severity, title, detail, link, cli }: Attention) => {
  const s = useStyles()
  const [tone, word] = severities[severity] ?? ['warn' as const, severity]
  return (
    <li className={s.item}>
      <span className={s.headline}>
        <Badge tone={tone}>{word}</Badge>
        <Link to={safePath(link)}>{title}</Link>
      </span>
      <Text className={s.grey}>{detail}</Text>
      {cli && <Cli text={cli} />}
    </li>
  )
}

const ActionItem = ({ title, why, link, cli }: NextAction) => {
  const s = useStyles()
  return (
    <li className={s.item}>
      <Link to={safePath(link)}>{title}</Link>
      <Text className={s.grey}>{why}</Text>
      {cli && <Cli text={cli} />}
    </li>
  )
}

const Cli = ({ text }: { text: string }) => {
  const s = useStyles()
  return (
    <div className={s.cli}>
      <code className={s.code}>{text}</code>
      <CopyButton text={text} label={`Copy: ${text}`} />
    </div>
  )
}
