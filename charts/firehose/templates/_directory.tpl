{{- /* The components of the directory servers that are installed, as a list. */ -}}
{{- define "firehose.directoryServers" -}}
{{- $servers := list -}}
{{- range $kind := list "kazoo" "sql" -}}
{{- if (index $.Values.directory $kind).enabled }}{{ $servers = append $servers (printf "directory-%s" $kind) }}{{ end -}}
{{- end -}}
{{- toYaml $servers -}}
{{- end }}

{{- define "firehose.checkDirectory" -}}
{{- $directory := .Values.directory -}}
{{- if and (or $directory.sql.enabled $directory.kazoo.enabled) (not $directory.tokenSecret.name) -}}
  {{- fail "directory.tokenSecret.name: the Secret with the token that gateways present is needed" -}}
{{- end -}}
{{- if $directory.sql.enabled -}}
  {{- if not $directory.sql.urlSecret.name }}{{ fail "directory.sql.urlSecret.name: the Secret with the URL of the database is needed" }}{{ end -}}
  {{- if not $directory.sql.queries.accounts }}{{ fail "directory.sql.queries.accounts: the query for accounts is needed" }}{{ end -}}
{{- end -}}
{{- if $directory.kazoo.enabled -}}
  {{- if not $directory.kazoo.url }}{{ fail "directory.kazoo.url: the address of Kazoo's API is needed" }}{{ end -}}
  {{- if not $directory.kazoo.apiKeySecret.name }}{{ fail "directory.kazoo.apiKeySecret.name: the Secret with the API key is needed" }}{{ end -}}
{{- end -}}
{{- end }}

{{- define "firehose.directoryQueries" -}}
{{- $queries := .Values.directory.sql.queries -}}
{{- $file := dict "accounts" $queries.accounts -}}
{{- with $queries.users }}{{ $_ := set $file "users" . }}{{ end -}}
{{- toYaml $file -}}
{{- end }}

{{- /* The Secrets of a server: `name` of the volume, `secret`, and `key` and `path` of one key (all of it without). Takes root and kind. */ -}}
{{- define "firehose.directorySecrets" -}}
{{- $directory := .root.Values.directory -}}
{{- $secrets := list (dict "name" "token" "secret" $directory.tokenSecret.name "key" $directory.tokenSecret.key "path" "token") -}}
{{- with $directory.tlsSecretName }}{{ $secrets = append $secrets (dict "name" "tls" "secret" .) }}{{ end -}}
{{- if eq .kind "sql" -}}
  {{- $secrets = append $secrets (dict "name" "database" "secret" $directory.sql.urlSecret.name "key" $directory.sql.urlSecret.key "path" "url") -}}
  {{- with $directory.sql.caSecret }}{{ if .name }}{{ $secrets = append $secrets (dict "name" "database-ca" "secret" .name "key" .key "path" "ca.crt") }}{{ end }}{{ end -}}
{{- else -}}
  {{- $kazoo := $directory.kazoo -}}
  {{- $secrets = append $secrets (dict "name" "api-key" "secret" $kazoo.apiKeySecret.name "key" $kazoo.apiKeySecret.key "path" "api-key") -}}
  {{- with $kazoo.caSecret }}{{ if .name }}{{ $secrets = append $secrets (dict "name" "kazoo-ca" "secret" .name "key" .key "path" "ca.crt") }}{{ end }}{{ end -}}
  {{- if $kazoo.amqp.urlSecret.name -}}
    {{- $secrets = append $secrets (dict "name" "amqp" "secret" $kazoo.amqp.urlSecret.name "key" $kazoo.amqp.urlSecret.key "path" "url") -}}
    {{- with $kazoo.amqp.caSecret }}{{ if .name }}{{ $secrets = append $secrets (dict "name" "amqp-ca" "secret" .name "key" .key "path" "ca.crt") }}{{ end }}{{ end -}}
    {{- with $kazoo.amqp.clientCertSecretName }}{{ $secrets = append $secrets (dict "name" "amqp-client" "secret" .) }}{{ end -}}
  {{- end -}}
{{- end -}}
{{- toYaml $secrets -}}
{{- end }}

{{- /* What a server is told. Takes root and kind. */ -}}
{{- define "firehose.directoryEnvironment" -}}
{{- $directory := .root.Values.directory -}}
{{- $place := "/etc/firehose" -}}
{{- $told := dict "FIREHOSE_DIRECTORY_HOST" "::" "FIREHOSE_DIRECTORY_PORT" "8480" "FIREHOSE_INNER_HOST" "::" "FIREHOSE_INNER_PORT" "9090" "FIREHOSE_DIRECTORY_TOKEN_FILE" (printf "%s/token/token" $place) "LOG_LEVEL" (index $directory .kind).logLevel -}}
{{- with $directory.tlsSecretName }}{{ $_ := set $told "FIREHOSE_DIRECTORY_TLS_FOLDER" (printf "%s/tls" $place) }}{{ end -}}
{{- with $directory.push }}{{ $_ := set $told "FIREHOSE_DIRECTORY_PUSH" (join "," .) }}{{ end -}}
{{- if eq .kind "sql" -}}
  {{- $_ := set $told "FIREHOSE_DATABASE_URL_FILE" (printf "%s/database/url" $place) -}}
  {{- $_ := set $told "FIREHOSE_DIRECTORY_QUERIES" (printf "%s/queries/queries.yaml" $place) -}}
  {{- $_ := set $told "FIREHOSE_DIRECTORY_INTERVAL" (toString (int $directory.sql.interval)) -}}
  {{- if $directory.sql.caSecret.name }}{{ $_ := set $told "FIREHOSE_DATABASE_CA_FILE" (printf "%s/database-ca/ca.crt" $place) }}{{ end -}}
{{- else -}}
  {{- $kazoo := $directory.kazoo -}}
  {{- $_ := set $told "FIREHOSE_KAZOO_URL" $kazoo.url -}}
  {{- $_ := set $told "FIREHOSE_KAZOO_API_KEY_FILE" (printf "%s/api-key/api-key" $place) -}}
  {{- with $kazoo.account }}{{ $_ := set $told "FIREHOSE_KAZOO_ACCOUNT" . }}{{ end -}}
  {{- if $kazoo.caSecret.name }}{{ $_ := set $told "FIREHOSE_KAZOO_CA_FILE" (printf "%s/kazoo-ca/ca.crt" $place) }}{{ end -}}
  {{- if $kazoo.amqp.urlSecret.name -}}
    {{- $_ := set $told "FIREHOSE_AMQP_URL_FILE" (printf "%s/amqp/url" $place) -}}
    {{- $_ := set $told "FIREHOSE_AMQP_EXCHANGE" $kazoo.amqp.exchange -}}
    {{- if $kazoo.amqp.caSecret.name }}{{ $_ := set $told "FIREHOSE_AMQP_CA_FILE" (printf "%s/amqp-ca/ca.crt" $place) }}{{ end -}}
    {{- if $kazoo.amqp.clientCertSecretName }}{{ $_ := set $told "FIREHOSE_AMQP_TLS_FOLDER" (printf "%s/amqp-client" $place) }}{{ end -}}
  {{- end -}}
{{- end -}}
{{- range $name, $value := $told }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end -}}
{{- end }}
