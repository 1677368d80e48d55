import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { serverQuery } from '../../api/queries'

/** The server that the address names. */
export const useServer = () => {
  const { name = '' } = useParams({ strict: false }) as { name?: string }
  return { name, query: useQuery(serverQuery(name)) }
}
