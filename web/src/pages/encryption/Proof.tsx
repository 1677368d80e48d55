// Proof from the disk: the same bytes twice, as they lie on the disk and as PostgreSQL reads them.
import { Button, Text, makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import { EyeRegular } from '@fluentui/react-icons'
import { useQuery } from '@tanstack/react-query'
import { api } from '../../api/client'
import { useMay } from '../../api/queries'
import type { Proof as ProofDoc } from '../../api/types'
import { Empty, Guard } from '../../parts/Guard'
import { Essentials, Section } from '../../parts/Page'
import { Verdict } from '../../parts/State'
import { apiPath } from '../../paths'
import { flag, useSearchParams } from '../../search'

const PER_LINE = 16
/** 4 KiB of chance measure 7.95 on average; text and tables stay far below. */
const RANDOM_BITS = 7.8

/** Lines of a hex dump: offset, bytes, and the text that a person could read in them. */
export const hexLines = (hex: string): { offset: string; bytes: string; text: string }[] => {
  const bytes = (hex.match(/[0-9a-f]{2}/gi) ?? []).map((pair) => Number.parseInt(pair, 16))
  return Array.from({ length: Math.ceil(bytes.length / PER_LINE) }, (_, i) => {
    const line = bytes.slice(i * PER_LINE, (i + 1) * PER_LINE)
    return {
      offset: (i * PER_LINE).toString(16).padStart(4, '0'),
      bytes: line.map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
      text: line.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join(''),
    }
  })
}

const useStyles = makeStyles({
  two: { display: 'grid', gap: '16px', gridTemplateColumns: 'repeat(auto-fit, minmax(min(520px, 100%), 1fr))', alignItems: 'start' },
  side: { display: 'grid', gap: '8px', padding: '16px 20px', border: `1px solid ${tokens.colorNeutralStroke2}`, minWidth: 0,
    borderRadius: tokens.borderRadiusLarge, backgroundColor: tokens.colorNeutralBackground1 },
  h3: { margin: 0, fontSize: tokens.fontSizeBase300, fontWeight: tokens.fontWeightSemibold },
  dump: { margin: 0, maxHeight: '360px', overflow: 'auto', fontFamily: tokens.fontFamilyMonospace, fontSize: '11px',
    lineHeight: '18px' },
  line: { display: 'grid', gridTemplateColumns: '5ch 49ch 17ch', columnGap: '1ch', width: 'max-content' },
  grey: { color: tokens.colorNeutralForeground2 },
  path: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200, overflowWrap: 'anywhere' },
})

const schema = { proof: flag }

export const Proof = ({ name, ready: up }: { name: string; ready: boolean }) => {
  const may = useMay()('encryption_proof')
  const ready = up && may
  const [{ proof }, set] = useSearchParams(schema)
  const query = useQuery({
    queryKey: ['servers', name, 'proof'],
    queryFn: ({ signal }) => api.get<ProofDoc>(apiPath`/servers/${name}/encryption/proof`, {}, signal),
    enabled: proof,
    staleTime: Infinity,
  })
  return (
    <Section title="Proof from the disk" aside={
      proof && <Button size="small" icon={<EyeRegular />} disabled={query.isFetching} onClick={() => void query.refetch()}>Look again</Button>
    }>
      {!proof && (
        <Empty title="See it for yourself"
          text="Reads one page of a table twice: the bytes that lie on the disk, and the same bytes as PostgreSQL sees them through the mount. Nothing is changed."
          actions={
            <Button appearance="primary" icon={<EyeRegular />} disabledFocusable={!ready} onClick={() => ready && set({ proof: true })}>
              {!may ? 'None of your roles allows this' : up ? 'Look at the disk' : 'The server must be Ready'}
            </Button>
          } />
      )}
      {proof && <Guard query={query} lines={10}>{(data) => <Sides data={data} />}</Guard>}
    </Section>
  )
}

const Sides = ({ data }: { data: ProofDoc }) => {
  const s = useStyles()
  const random = data.entropy_bits_per_byte >= RANDOM_BITS
  return (
    <>
      <Essentials facts={[
        { name: 'Verdict', value: <Verdict verdict={random ? 'good' : 'warning'} rule={`at least ${RANDOM_BITS} bits a byte`} looked_at={data.looked_at}
          word={random ? 'The disk looks like chance' : 'Less random than ciphertext should be'} /> },
        { name: 'Relation', value: data.relation ?? '–' },
        { name: 'Entropy', value: <>
          {data.entropy_bits_per_byte.toFixed(2)} bits a byte on the disk,{' '}
          {data.inside_entropy_bits_per_byte?.toFixed(2)} inside; 8 is the most
        </> },
        { name: 'Unit', value: `${data.unit} (4 KiB)` },
      ]} />
      <Text>{data.explanation}</Text>
      <div className={s.two}>
        <Dump title="On the disk" path={data.file} hex={data.on_disk_hex} />
        {data.inside_hex
          ? <Dump title="As PostgreSQL sees it" path={data.mounted_file} hex={data.inside_hex} />
          : (
            <div className={s.side}>
              <h3 className={s.h3}>As PostgreSQL sees it</h3>
              <Text className={mergeClasses(s.grey)}>Your role does not show data. Owner and security admin see the readable side too.</Text>
            </div>
          )}
      </div>
    </>
  )
}

const Dump = ({ title, path, hex }: { title: string; path: string; hex: string }) => {
  const s = useStyles()
  return (
    <div className={s.side}>
      <h3 className={s.h3}>{title}</h3>
      <span className={mergeClasses(s.path, s.grey)}>{path}</span>
      <div className={s.dump} tabIndex={0} role="group" aria-label={`${title}: bytes`}>
        {hexLines(hex).map(({ offset, bytes, text }) => (
          <div key={offset} className={s.line}>
            <span className={s.grey}>{offset}</span>
            <span>{bytes}</span>
            <span>{text}</span>
          </div>
        ))}
      </div>
    </div>
  )
}
