// What is installed, and the authority that clients trust.
import { Link as FluentLink, Text } from '@fluentui/react-components'
import { useQuery } from '@tanstack/react-query'
import { api } from '../../api/client'
import { CodeBlock, CopyValue } from '../../parts/Copy'
import { Guard } from '../../parts/Guard'
import { Essentials, Page, Section } from '../../parts/Page'
import { settingsCrumbs, settingsTabs } from '../../parts/tabs'
import { Time } from '../../parts/Time'

interface About {
  product: string
  version: string
  api_version: string
  home: string
  url?: string | null
  portal: boolean
  started_at: string
  postgres: string[]
  licence: string
}

interface Ca {
  pem: string
  fingerprint: string
  file: string
}

/** The bundle that this page came from: Vite names it by a hash of its content. */
const bundle = (): string => {
  const script = document.querySelector<HTMLScriptElement>('script[type="module"][src]')
  return script?.src.split('/').at(-1) ?? 'unknown'
}

export const AboutPage = () => {
  const about = useQuery({ queryKey: ['about'], queryFn: ({ signal }) => api.get<About>('/about', {}, signal) })
  const ca = useQuery({ queryKey: ['ca'], queryFn: ({ signal }) => api.get<Ca>('/ca', {}, signal) })
  return (
    <Page
      title="About"
      crumbs={settingsCrumbs}
      tabs={settingsTabs}
      lines={[
        { title: 'Version', cli: 'pgkeep version', path: '/about' },
        { title: 'Check this machine', cli: 'pgkeep doctor', path: '/status' },
        { title: 'The API as a document (OpenAPI)', path: '/openapi.json' },
      ]}
    >
      <Guard query={about} what="About">
        {(it) => (
          <Essentials
            facts={[
              { name: 'Version', value: `${it.product} ${it.version}` },
              { name: 'API', value: <FluentLink href="/api/v1/openapi.json">{it.api_version}, OpenAPI document</FluentLink> },
              { name: 'Licence', value: it.licence },
              { name: 'Portal bundle', value: bundle() },
              { name: 'PostgreSQL found', value: it.postgres.join(', ') || 'none' },
              { name: 'Home', value: <CopyValue value={it.home} label="home" /> },
              { name: 'Running since', value: <Time at={it.started_at} /> },
            ]}
          />
        )}
      </Guard>
      <Section title="Authority that clients trust">
        <Guard query={ca} lines={4} what="Authority">
          {(it) => (
            <>
              <Text>
                Certificates of servers, of key vaults and of this portal are signed by this authority of your own
                installation. Save it as ca.pem where clients and curl look for it, or import it into the browser.
              </Text>
              <Essentials
                facts={[
                  { name: 'SHA-256', value: <CopyValue value={it.fingerprint} label="fingerprint" /> },
                  { name: 'File', value: <CopyValue value={it.file} label="path" /> },
                ]}
              />
              <CodeBlock text={it.pem.trim()} label="certificate of the authority" />
            </>
          )}
        </Guard>
      </Section>
      <Section title="Licences">
        <Text>
          The licences of everything that pgkeep is built from are listed in docs/licences.md of the source; the
          portal's own parts are React, Fluent UI and TanStack (MIT) and the typeface Inter (OFL 1.1). Nothing on this
          page was loaded from another machine.
        </Text>
      </Section>
    </Page>
  )
}
