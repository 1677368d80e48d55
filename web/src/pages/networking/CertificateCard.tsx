// The certificate that the server shows.
import { Button, makeStyles } from '@fluentui/react-components'
import type { UseQueryResult } from '@tanstack/react-query'
import type { Server, Tls } from '../../api/types'
import { CopyValue } from '../../parts/Copy'
import { Empty, Guard } from '../../parts/Guard'
import { Essentials, Section } from '../../parts/Page'
import { Verdict } from '../../parts/State'
import { Time } from '../../parts/Time'

const useStyles = makeStyles({ value: { minWidth: 0 } })

const RULE = 'tls.certificate/1: good until its renewal is due'

const verdictOf = (tls: Tls, now: number): string => {
  if (!tls.not_after) return 'cannot-tell'
  if (Date.parse(tls.not_after) <= now) return 'bad'
  return tls.renew_at && Date.parse(tls.renew_at) <= now ? 'warning' : 'good'
}

interface Props {
  server: string
  query: UseQueryResult<Server>
  onRotate: () => void
}

export const CertificateCard = ({ server, query, onRotate }: Props) => {
  const s = useStyles()
  return (
    <Section title="Certificate" aside={<Button size="small" onClick={onRotate}>Rotate…</Button>}>
      <Guard query={query} lines={3} what="Certificate">
        {({ tls }) =>
          tls ? (
            <Essentials
              facts={[
                {
                  name: 'Verdict',
                  value: (
                    <Verdict
                      verdict={verdictOf(tls, Date.now())}
                      looked_at={new Date(query.dataUpdatedAt).toISOString()}
                      rule={RULE}
                    />
                  ),
                },
                { name: 'Issued by', value: tls.source === 'own' ? 'an authority of yours' : "pgkeep's authority" },
                { name: 'Expires', value: <Time at={tls.not_after} /> },
                {
                  name: 'Renewal',
                  value: tls.renew_at ? <>by itself, <Time at={tls.renew_at} age /></> : 'by you: pgkeep did not issue it',
                },
                {
                  name: 'SHA-256',
                  value: tls.fingerprint && (
                    <span className={s.value}><CopyValue value={tls.fingerprint} label="fingerprint" /></span>
                  ),
                },
              ]}
            />
          ) : (
            <Empty
              title="No certificate can be seen"
              text="The server does not run, so nothing was read. Start it to see what it shows to clients."
              cli={`pgkeep server start -n ${server}`}
            />
          )
        }
      </Guard>
    </Section>
  )
}
