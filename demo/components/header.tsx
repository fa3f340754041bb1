// The page's head: name, connection, offline switch, user.
import { databaseName } from '../database.ts'
import type { StatusSnapshot } from '../use-live.ts'
import { ConnectionLight } from './connection-light.tsx'
import { UserName } from './user-name.tsx'

interface HeaderProps {
  readonly user: string
  readonly status: StatusSnapshot
  readonly isOffline: boolean
  readonly onOffline: (isOffline: boolean) => void
  readonly onRename: (name: string) => void
}

export const Header = ({ user, status, isOffline, onOffline, onRename }: HeaderProps) => (
  <header className="header">
    <div className="brand">
      <img className="mark" src="./icon.svg" alt="" />
      <h1>
        Merrow <span>tasks</span>
      </h1>
      <span className="tag" title="Database">
        {databaseName()}
      </span>
    </div>
    <div className="header-tools">
      <ConnectionLight status={status} />
      <label className="switch">
        <input
          type="checkbox"
          role="switch"
          data-testid="offline-switch"
          checked={isOffline}
          aria-checked={isOffline}
          onChange={(event) => onOffline(event.target.checked)}
        />
        <span className="switch-track" aria-hidden="true" />
        <span>Work offline</span>
      </label>
      <UserName key={user} user={user} onRename={onRename} />
    </div>
  </header>
)
