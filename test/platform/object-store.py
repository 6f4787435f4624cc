"""
OpenStack Swift with its S3 API, whole, in one process on the loopback: account, container, object and proxy server of Debian's
python3-swift over one folder. Prints the port when it answers; ends when its standard input ends.

    /usr/bin/python3 object-store.py FOLDER ACCESS_KEY SECRET_KEY
"""
import logging
import os
import sys
import threading

from swift.common import utils

utils.eventlet_monkey_patch()

import eventlet
from eventlet import listen, tpool, wsgi

FOLDER, ACCESS_KEY, SECRET_KEY = sys.argv[1:4]
DEVICE = 'd1'
utils.HASH_PATH_SUFFIX = b'of one test'
utils.SWIFT_CONF_FILE = os.path.join(FOLDER, 'swift.conf')

from swift.account.server import AccountController
from swift.common.ring import RingBuilder
from swift.common.wsgi import loadapp, SwiftHttpProtocol
from swift.container.server import ContainerController
from swift.obj.server import ObjectController

PROXY = f'''
[DEFAULT]
swift_dir = {FOLDER}
[pipeline:main]
pipeline = catch_errors gatekeeper s3api tempauth slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
log_level = ERROR
node_timeout = 60
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:s3api]
use = egg:swift#s3api
auth_pipeline_check = false
allow_multipart_uploads = true
[filter:tempauth]
use = egg:swift#tempauth
user_{ACCESS_KEY.replace(':', '_')} = {SECRET_KEY} .admin
[filter:slo]
use = egg:swift#slo
'''


class Memory:
    """In place of memcached, which would hold what the proxy remembers of accounts and buckets, and log-ins."""

    def __init__(self):
        self.kept = {}

    def get(self, key, **_):
        return self.kept.get(key)

    def set(self, key, value, **_):
        self.kept[key] = value

    def delete(self, key, **_):
        self.kept.pop(key, None)

    def incr(self, key, delta=1, **_):
        self.kept[key] = max(0, int(self.kept.get(key, 0)) + delta)
        return self.kept[key]


def remembering(app):
    memory = Memory()

    def answer(environ, start):
        environ['swift.cache'] = memory
        return app(environ, start)

    return answer


def serve(app, sock):
    log = logging.getLogger('silent')
    log.addHandler(logging.NullHandler())
    log.propagate = False
    eventlet.spawn(wsgi.server, sock, app, log=log, log_output=False, protocol=SwiftHttpProtocol, max_size=512)


def main():
    with open(utils.SWIFT_CONF_FILE, 'w') as conf:
        conf.write('[swift-hash]\nswift_hash_path_suffix = of one test\n')
    devices = os.path.join(FOLDER, 'devices')
    os.makedirs(os.path.join(devices, DEVICE))
    conf = {'devices': devices, 'mount_check': 'false', 'swift_dir': FOLDER, 'log_level': 'ERROR'}
    kinds = {'account': AccountController, 'container': ContainerController, 'object': ObjectController}
    for kind, make in kinds.items():
        sock = listen(('127.0.0.1', 0))
        ring = RingBuilder(1, 1, 0)
        port = sock.getsockname()[1]
        ring.add_dev({'id': 0, 'region': 1, 'zone': 1, 'weight': 1, 'ip': '127.0.0.1', 'port': port, 'device': DEVICE,
                      'replication_ip': '127.0.0.1', 'replication_port': port})
        ring.rebalance()
        ring.get_ring().save(os.path.join(FOLDER, f'{kind}.ring.gz'))
        serve(make(conf), sock)
    path = os.path.join(FOLDER, 'proxy-server.conf')
    with open(path, 'w') as conf:
        conf.write(PROXY)
    sock = listen(('127.0.0.1', int(os.environ.get('PORT', '0'))), backlog=512)
    serve(remembering(loadapp(path)), sock)
    print(sock.getsockname()[1], flush=True)
    while tpool.execute(os.read, 0, 1):
        pass


main()
