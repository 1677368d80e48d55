// TLS and listen addresses.
import { Field, Input, Select, Switch, makeStyles } from '@fluentui/react-components'
import { Card, Section } from '../../parts/Page'
import { type Networking, listenComplaint } from './model'

const useStyles = makeStyles({
  form: {
    display: 'grid', gap: '16px 32px', alignItems: 'start',
    gridTemplateColumns: 'repeat(auto-fit, minmax(min(280px, 100%), 1fr))',
  },
})

const VERSIONS = ['TLSv1.2', 'TLSv1.3']

interface Props {
  networking: Networking
  onChange: (part: Partial<Networking>) => void
}

export const ProtectionForm = ({ networking: n, onChange }: Props) => {
  const s = useStyles()
  const wrong = n.listen_addresses.map(listenComplaint).find(Boolean)
  const known = VERSIONS.includes(n.min_protocol_version)
  return (
    <Section title="TLS and addresses">
      <Card>
        <div className={s.form}>
          <Field
            label="Require TLS"
            hint="Off lets clients connect over TCP without encryption. Takes effect at once for new connections."
          >
            <Switch
              checked={n.require_secure_transport}
              label={n.require_secure_transport ? 'required' : 'optional'}
              onChange={(_, data) => onChange({ require_secure_transport: data.checked })}
            />
          </Field>
          <Field label="Lowest TLS version" hint="Clients that speak only older versions are refused.">
            <Select
              value={n.min_protocol_version}
              onChange={(_, data) => onChange({ min_protocol_version: data.value })}
            >
              {!known && <option value={n.min_protocol_version}>{n.min_protocol_version}</option>}
              {VERSIONS.map((version) => <option key={version} value={version}>{version}</option>)}
            </Select>
          </Field>
          <Field
            label="Listen addresses"
            hint="Separated by commas: localhost, an address of this machine, or * for all. Needs a restart."
            {...(wrong ? { validationState: 'error', validationMessage: wrong } : {})}
          >
            <Input
              value={n.listen_addresses.join(',')}
              spellCheck={false}
              autoComplete="off"
              onChange={(_, data) =>
                onChange({ listen_addresses: data.value.trim() === '' ? [] : data.value.split(',') })
              }
            />
          </Field>
        </div>
      </Card>
    </Section>
  )
}
