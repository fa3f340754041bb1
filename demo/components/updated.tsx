// Who changed a row last, and how long ago.
import { formatAgo } from '../dates.ts'
import { useNow } from '../use-live.ts'
import { Badge } from './user-name.tsx'

interface UpdatedProps {
  readonly by: string | undefined
  readonly atMs: number
}

export const Updated = ({ by = 'Somebody', atMs }: UpdatedProps) => {
  const nowMs = useNow()
  return (
    <span className="updated" title={`${by}, ${new Date(atMs).toLocaleString('en')}`}>
      <Badge user={by} />
      <span className="updated-by">{by}</span>
      <time dateTime={new Date(atMs).toISOString()}>{formatAgo(atMs, nowMs)}</time>
    </span>
  )
}
