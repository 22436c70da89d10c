import time

from . import packages
from .server import Call, Server, Target, send

MODULES = "/usr/lib/apache2/modules"
CONFIGURATION = """
ServerName 127.0.0.1
ServerRoot {home}
Listen 127.0.0.1:{port}
PidFile {home}/pid
ErrorLog {home}/error.log
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule mime_module {modules}/mod_mime.so
LoadModule reqtimeout_module {modules}/mod_reqtimeout.so
LoadModule dav_module {modules}/mod_dav.so
LoadModule dav_fs_module {modules}/mod_dav_fs.so
TypesConfig /etc/mime.types
AddType application/json json
User www-data
Group www-data
StartServers 2
ThreadsPerChild 32
MaxRequestWorkers 128
DavLockDB {home}/locks/db
DocumentRoot {home}/files
<Directory {home}/files>
    Dav On
    Require all granted
</Directory>
"""


class Apache(Server):
    name = "apache"
    about = "files by WebDAV, mod_dav_fs under mpm_event"

    def install(self):
        packages.debian("apache2", "/usr/sbin/apache2")

    def version(self):
        return packages.debian_version("apache2")

    def command(self, home, port):
        for part in ["files", "locks"]:
            (home / part).mkdir(exist_ok=True)
            # It serves as another user than root.
            (home / part).chmod(0o777)
        configuration = home / "apache.conf"
        configuration.write_text(CONFIGURATION.format(home=home, port=port, modules=MODULES))
        return ["/usr/sbin/apache2", "-f", configuration, "-DFOREGROUND"]

    def prepare(self, base):
        # A folder has to be there before a file can be put into it.
        send("MKCOL", f"{base}/notes/")
        resource = f"{base}/notes/first.json"
        send("PUT", resource, '{"title":"first"}')
        # Until then its tag is weak, and good for no If-Match.
        time.sleep(1.1)
        create = Call("PUT", f"{base}/notes/{{{{nonce}}}}.json", '{"title":"{{nonce}}"}')
        return Target(self.name, self.version(), base, resource, create)
