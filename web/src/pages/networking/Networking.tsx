import { useParams } from '@tanstack/react-router'
import { NetworkingPage } from './NetworkingPage'

export const Networking = () => {
  const { name = '' } = useParams({ strict: false }) as Record<string, string>
  return <NetworkingPage key={name} name={name} />
}
