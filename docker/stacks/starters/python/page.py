import platform
from html import escape


def page(project, namespace, environment, visits):
    """The start page. Its URLs are relative, because it is served below /projects/<namespace>/<environment>/."""
    return f"""<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>{escape(project)} · {escape(environment)}</title>
    <link rel="stylesheet" href="style.css" />
  </head>
  <body>
    <main>
      <span class="badge">{escape(environment)}</span>
      <h1>{escape(project)}</h1>
      <p>Running in a container of its own. Edit <code>page.py</code>, and this page is new on the next reload.</p>
      <dl>
        <dt>Stack</dt>
        <dd>Python {escape(platform.python_version())}</dd>
        <dt>Namespace</dt>
        <dd><code>{escape(namespace)}</code></dd>
        <dt>Visits</dt>
        <dd>{visits} since the start (<a href="api/visits">as JSON</a>)</dd>
      </dl>
    </main>
  </body>
</html>
"""
