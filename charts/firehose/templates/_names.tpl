{{- /*
  Gives every value that was set to null, or that an older release did not have (`--reuse-values`), its default, and removes
  entries of maps that are null. Helm deletes most nulls before it renders, but not those of maps that it does not know, nor
  all of a chart that is a part of another one. Each template includes this first; the second time it changes nothing.
*/ -}}
{{- define "firehose.prepare" -}}
{{- include "firehose.dropNulls" .Values -}}
{{- range .Files.Get "files/parts.yaml" | fromYamlArray -}}
{{- $place := $.Values -}}
{{- range initial .path }}{{ $place = index $place . }}{{ end -}}
{{- if kindIs "invalid" (index $place (last .path)) }}{{ $_ := set $place (last .path) (deepCopy .value) }}{{ end -}}
{{- end -}}
{{- end }}

{{- define "firehose.dropNulls" -}}
{{- range $key, $value := . -}}
{{- if kindIs "invalid" $value }}{{ $_ := unset $ $key -}}
{{- else if kindIs "map" $value }}{{ include "firehose.dropNulls" $value }}{{ end -}}
{{- end -}}
{{- end }}

{{- define "firehose.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- /* Leaves room for what is added to it in names of at most 63 characters. A release may have dots, a Service may not. */ -}}
{{- define "firehose.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 46 | trimSuffix "-" -}}
{{- else if contains (include "firehose.name" .) .Release.Name -}}
{{- .Release.Name | replace "." "-" | trunc 46 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "firehose.name" .) | replace "." "-" | trunc 46 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- /* What belongs to the cluster bears the namespace too: releases of one name may live in several. No name has a colon. */ -}}
{{- define "firehose.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "firehose.fullname" .) -}}
{{- end }}

{{- define "firehose.serviceAccountName" -}}
{{- if .Values.serviceAccount.name -}}
{{- .Values.serviceAccount.name -}}
{{- else if .Values.serviceAccount.create -}}
{{- include "firehose.fullname" . }}-operator
{{- else -}}
default
{{- end -}}
{{- end }}

{{- /* They never change: the selector of a Deployment cannot. Takes root and component. */ -}}
{{- define "firehose.selectorLabels" -}}
app.kubernetes.io/name: firehose
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- /* Ours win over those of the values. */ -}}
{{- define "firehose.labels" -}}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/version" (.root.Chart.AppVersion | replace "+" "_")
  "app.kubernetes.io/managed-by" .root.Release.Service
  "app.kubernetes.io/part-of" "firehose" -}}
{{- toYaml (merge (fromYaml (include "firehose.selectorLabels" .)) $own .root.Values.commonLabels) -}}
{{- end }}

{{- /* Without the version: a new chart alone replaces no pod. Takes root, component and values. */ -}}
{{- define "firehose.podLabels" -}}
{{- toYaml (merge (fromYaml (include "firehose.selectorLabels" .)) .values.podLabels .root.Values.commonLabels) -}}
{{- end }}

{{- /* Takes root and image. The digest decides, whatever the tag is. */ -}}
{{- define "firehose.image" -}}
{{- $tag := default .root.Chart.AppVersion .image.tag -}}
{{- if .image.digest -}}
{{- printf "%s@%s" .image.repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" .image.repository $tag -}}
{{- end -}}
{{- end }}

{{- /* `a=b,c=d` of labels. */ -}}
{{- define "firehose.labelList" -}}
{{- $pairs := list -}}
{{- range $name, $value := . }}{{ $pairs = append $pairs (printf "%s=%s" $name $value) }}{{ end -}}
{{- join "," $pairs -}}
{{- end }}
