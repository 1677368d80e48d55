import { useParams } from '@tanstack/react-router'
import { KeyPage } from './KeyPage'

export const Key = () => {
  const { vault = '', key = '' } = useParams({ strict: false }) as Record<string, string>
  return <KeyPage key={`${vault}/${key}`} vault={vault} name={key} />
}
