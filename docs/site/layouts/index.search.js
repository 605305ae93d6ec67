{{- /* The sections of all pages: title of the page, heading, link, text. */ -}}
{{- $sections := slice }}
{{- range site.Pages }}
{{- $page := . }}
{{- $title := partial "title.html" . }}
{{- range $i, $part := split .Content "<h2 id=\"" }}
{{- $link := strings.TrimPrefix "/" $page.RelPermalink | default "index.html" }}
{{- $heading := "" }}
{{- $text := $part }}
{{- if $i }}
{{- $link = printf "%s#%s" $link (index (split $part "\"") 0) }}
{{- $heading = replaceRE `(?s)^[^>]*>(.*?)</h2>.*` "$1" $part | plainify | htmlUnescape }}
{{- $text = replaceRE `(?s)^.*?</h2>` "" $part }}
{{- end }}
{{- $sections = $sections | append (dict "title" $title "heading" $heading "link" $link "text" ($text | plainify | htmlUnescape)) }}
{{- end }}
{{- end -}}
found({{ $sections | jsonify }});
