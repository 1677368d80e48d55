import { useParams } from '@tanstack/react-router'
import { ParametersPage } from './ParametersPage'

export const Parameters = () => {
  const { name = '' } = useParams({ strict: false }) as Record<string, string>
  return <ParametersPage key={name} name={name} />
}
