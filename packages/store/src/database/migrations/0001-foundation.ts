import type { Migration } from "./migration.ts";

export const foundation: Migration = {
  name: "0001-foundation",
  statements: [
    `create table installation (
      singleton boolean primary key default true check (singleton),
      id uuid not null
    )`,

    `create table projects (
      id uuid primary key,
      name text not null,
      owner_id uuid not null,
      source text not null check (source in ('template', 'files', 'git', 'archive', 'directory')),
      template text,
      directory text,
      version integer not null check (version >= 0),
      created_at timestamptz not null,
      updated_at timestamptz not null
    )`,
    `create unique index projects_directory on projects (owner_id, directory) where directory is not null`,
    `create index projects_newest on projects (created_at desc, id desc)`,
    `create index projects_of_owner on projects (owner_id, created_at desc, id desc)`,

    `create table project_files (
      project_id uuid not null references projects (id) on delete cascade,
      path text not null,
      version integer not null,
      superseded_by integer check (superseded_by > version),
      deleted boolean not null,
      encoding text not null check (encoding in ('utf8', 'base64')),
      size integer not null,
      sha256 bytea not null,
      content bytea not null,
      created_at timestamptz not null,
      primary key (project_id, path, version)
    )`,
    `create unique index project_files_current on project_files (project_id, path) where superseded_by is null`,

    // No reference to projects: the history of a session outlives its project.
    `create table preview_sessions (
      id uuid primary key,
      project_id uuid not null,
      user_id uuid not null,
      state text not null check (state in ('pending', 'active', 'suspended', 'disconnected', 'terminated')),
      level text check (level in ('frozen', 'hibernated')),
      mode text not null check (mode in ('persistent', 'ephemeral')),
      tier text not null,
      resources jsonb not null,
      visibility text not null check (visibility in ('public', 'private')),
      env jsonb not null,
      generation integer not null check (generation >= 0),
      version integer not null check (version >= 1),
      container_id uuid,
      operation_kind text,
      operation_phase text,
      operation_owner text,
      operation_started_at timestamptz,
      operation_deadline_at timestamptz,
      health jsonb not null,
      error jsonb,
      created_at timestamptz not null,
      last_activity timestamptz not null,
      expires_at timestamptz,
      suspended_at timestamptz,
      ended_at timestamptz,
      reconnect_count integer not null,
      parent_session_id uuid,
      restored_snapshot_id uuid,
      constraint level_of_suspended check ((level is not null) = (state = 'suspended')),
      constraint operation_complete check (num_nulls(
        operation_kind, operation_phase, operation_owner, operation_started_at, operation_deadline_at
      ) in (0, 5))
    )`,
    `create unique index preview_sessions_one_live on preview_sessions (project_id, user_id)
      where mode = 'persistent' and state <> 'terminated'`,
    `create index preview_sessions_reuse on preview_sessions (project_id, user_id, state, last_activity desc)
      where state <> 'terminated'`,
    `create index preview_sessions_reap on preview_sessions (state, last_activity desc)
      where state <> 'terminated'`,
    `create index preview_sessions_overdue on preview_sessions (operation_deadline_at)
      where operation_kind is not null`,
    `create index preview_sessions_newest on preview_sessions (created_at desc, id desc)`,
    `create index preview_sessions_of_user on preview_sessions (user_id, created_at desc, id desc)`,
    `create index preview_sessions_of_project on preview_sessions (project_id, created_at desc, id desc)`,

    `create table session_state_history (
      id bigint generated always as identity primary key,
      session_id uuid not null references preview_sessions (id) on delete cascade,
      at timestamptz not null,
      from_state text,
      to_state text not null,
      level text,
      generation integer not null,
      reason text not null,
      metadata jsonb not null
    )`,
    `create index session_state_history_of_session on session_state_history (session_id, id)`,

    `create table container_pool (
      id uuid primary key,
      driver text not null,
      ref text,
      status text not null check (status in
        ('creating', 'available', 'assigned', 'maintenance', 'destroying', 'destroyed')),
      session_id uuid,
      project_id uuid,
      generation integer not null,
      pool_key text,
      tier text not null,
      created_at timestamptz not null,
      claimed_at timestamptz,
      version integer not null check (version >= 1)
    )`,
    `create index container_pool_claimable on container_pool (pool_key, created_at)
      where status = 'available' and pool_key is not null`,
    `create index container_pool_live on container_pool (created_at) where status <> 'destroyed'`,

    `create table events (
      id bigint generated always as identity primary key,
      session_id uuid not null references preview_sessions (id) on delete cascade,
      type text not null,
      at timestamptz not null,
      data jsonb not null
    )`,
    `create index events_of_session on events (session_id, id)`,

    `create table idempotency_keys (
      user_id uuid not null,
      key text not null,
      fingerprint text not null,
      status integer,
      body text,
      created_at timestamptz not null,
      primary key (user_id, key)
    )`,
    `create index idempotency_keys_oldest on idempotency_keys (created_at)`,

    `create table leases (
      name text primary key,
      owner text not null,
      expires_at timestamptz not null
    )`,
  ],
};
