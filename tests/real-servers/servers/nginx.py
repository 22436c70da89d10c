from . import packages
from .server import Call, Server, Target, send

# Root writes to the folder; without root, `user` only draws a warning.
CONFIGURATION = """
user root;
daemon off;
worker_processes 4;
pid {home}/pid;
error_log {home}/error.log;
events {{ worker_connections 512; }}
http {{
    types {{ text/plain txt; application/json json; }}
    access_log off;
    client_body_temp_path {home}/temp/body;
    proxy_temp_path {home}/temp/proxy;
    fastcgi_temp_path {home}/temp/fastcgi;
    uwsgi_temp_path {home}/temp/uwsgi;
    scgi_temp_path {home}/temp/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {home}/files;
        location / {{
            dav_methods PUT DELETE MKCOL COPY MOVE;
            create_full_put_path on;
        }}
    }}
}}
"""


class Nginx(Server):
    name = "nginx"
    about = "files by WebDAV, ngx_http_dav_module"

    def install(self):
        packages.debian("nginx-light", "/usr/sbin/nginx")

    def version(self):
        return packages.debian_version("nginx")

    def command(self, home, port):
        for part in ["files", "temp"]:
            (home / part).mkdir(exist_ok=True)
        configuration = home / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(home=home, port=port))
        return ["/usr/sbin/nginx", "-c", configuration, "-p", home]

    def prepare(self, base):
        resource = f"{base}/notes/first.json"
        send("PUT", resource, '{"title":"first"}')
        create = Call("PUT", f"{base}/notes/{{{{nonce}}}}.json", '{"title":"{{nonce}}"}')
        return Target(self.name, self.version(), base, resource, create)
