#!/bin/sh
# The container's health check. Not wget: busybox's crashes on addresses in some of Debian's releases.
printf 'GET /healthz HTTP/1.0\r\n\r\n' | busybox nc -w 2 127.0.0.1 8081 | busybox grep -q '^ok'
