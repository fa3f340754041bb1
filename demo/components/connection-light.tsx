// The connection light, with the writes that are still on their way.
import type { StatusSnapshot } from '../use-live.ts'

const LABELS = {
  connected: 'Connected',
  connecting: 'Connecting',
  offline: 'Offline',
  refused: 'Refused',
} as const

export const ConnectionLight = ({ status }: { readonly status: StatusSnapshot }) => {
  const { connection, unsaved, unsent, error } = status
  return (
    <div
      className="connection"
      data-testid="connection"
      data-state={connection}
      data-unsaved={unsaved}
      data-unsent={unsent}
      title={error}
    >
      <span className="light" aria-hidden="true" />
      <span className="connection-label" role="status">
        {LABELS[connection]}
      </span>
      <Count count={unsaved} label="unsaved" title="Writes that are not yet stored in this browser" />
      <Count count={unsent} label="unsent" title="Writes of this session that are not yet on the relay" />
    </div>
  )
}

interface CountProps {
  readonly count: number
  readonly label: string
  readonly title: string
}

const Count = ({ count, label, title }: CountProps) => (
  <span className="count" title={title} data-pending={count > 0}>
    <b>{count}</b> {label}
  </span>
)
