// Every unit of a server's storage read and compared with its code; what was read is the proof.
import { ProgressBar, Text } from '@fluentui/react-components'
import { useState } from 'react'
import { api } from '../../api/client'
import type { Job } from '../../api/types'
import { count, sentences, shell } from '../../format'
import { follow, jobs, useRun } from '../../frame/jobs'
import { DangerDialog } from '../../parts/Dialogs'
import { Essentials } from '../../parts/Page'
import { Verdict } from '../../parts/State'
import { apiPath, paths } from '../../paths'

interface Report {
  n_files: number
  n_units: number
  n_not_assessed: number
  n_temporary: number
  unclean: boolean
  intact: boolean
  verified_at: string
  tampered: { file?: string; unit?: number | null; reason?: string }[]
}

/** Intact, changed, or not all of it could be judged. */
export const judge = (report: Report): [verdict: string, word: string] => {
  if (!report.intact || report.tampered.length) return ['bad', `${count(report.tampered.length, 'finding')}: bytes are not what was written`]
  if (report.unclean || report.n_not_assessed) return ['warning', 'What could be judged is intact']
  return ['good', 'Every unit is what was written']
}

/** Why the storage cannot be verified now. */
export const canVerify = (state: string | undefined): string | undefined =>
  state === 'Ready' || state === 'Stopped' ? undefined : 'The server must be Ready or Stopped'

export const verifyLine = (name: string, running: boolean) => ({
  title: 'Verify storage', method: 'POST' as const, path: apiPath`/servers/${name}/storage/verify`,
  cli: `pgkeep server storage verify -s ${shell(name)}${running ? ' --stop' : ''} -o json`,
  ...(running ? { body: { stop: true } } : {}),
})

export const VerifyStorage = ({ name, running, open, onClose }: {
  name: string
  running: boolean
  open: boolean
  onClose: () => void
}) => {
  const run = useRun()
  const [id, setId] = useState<string>()
  const known = jobs.use()
  const step = known.find((job) => job.id === id && job.state === 'running')?.progress.at(-1)
  const line = verifyLine(name, running)
  const verify = async () => {
    const begun = await api.post<Job>(line.path, { stop: running })
    setId(begun.id)
    const job = await follow(begun)
    void run(async () => job, { title: `Verify the storage of ${name}`, link: paths.server(name), changes: [['servers'], ['home']] })
    if (job.state === 'failed') throw new Error(sentences(job.error?.message, job.error?.detail, job.error?.hint))
    const report = job.result as unknown as Report
    const [verdict, word] = judge(report)
    return (
      <>
        <Verdict verdict={verdict} word={word} looked_at={report.verified_at} rule="each unit matches its code" />
        <Essentials facts={[
          { name: 'Units read', value: report.n_units.toLocaleString('en') },
          { name: 'Files', value: report.n_files.toLocaleString('en') },
          { name: 'Not judged', value: `${report.n_not_assessed} of an unclean stop, ${report.n_temporary} temporary files` },
        ]} />
        {report.tampered.length > 0 && (
          <ul style={{ margin: 0 }}>
            {report.tampered.slice(0, 20).map((one) => (
              <li key={`${one.file} ${one.unit}`}>{one.file}, unit {one.unit ?? '–'}: {one.reason}</li>
            ))}
          </ul>
        )}
      </>
    )
  }
  return (
    <DangerDialog open={open} onClose={onClose} title={`Verify the storage of ${name}?`} submit={running ? 'Stop and verify' : 'Verify'}
      run={verify} line={line}
      preview={
        <>
          <Text>
            Every unit is read from the disk and compared with its code, so a byte that anybody changed is found and
            named. {running
              ? 'This wants the server stopped: sessions are ended, and it is started again afterwards.'
              : 'The server is stopped; it stays so.'}
          </Text>
          {step && (
            <div role="status">
              <ProgressBar aria-label="Verifying" />
              <Text size={200}>{step}</Text>
            </div>
          )}
        </>
      } />
  )
}
