import { useParams } from '@tanstack/react-router'
import { IdentityPage } from './IdentityPage'

export const Identity = () => {
  const { name = '' } = useParams({ strict: false }) as Record<string, string>
  return <IdentityPage key={name} name={name} />
}
