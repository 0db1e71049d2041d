#!/bin/sh
# Turns a Debian root with Debian's Orthanc ($1, as mmdebstrap hands it over) into the layout of jodogne/orthanc-python:
# the binary in /usr/local/sbin, all plugins in /usr/local/share/orthanc/plugins, a configuration as Orthanc writes it and
# the image's build script changes it.
set -eu
root=$1
mkdir -p "$root/usr/local/share/orthanc/plugins"
mv "$root/usr/sbin/Orthanc" "$root/usr/local/sbin/Orthanc"
chroot "$root" sh -c 'cp --dereference /usr/share/orthanc/plugins/*.so /usr/local/share/orthanc/plugins/'
rm -rf "$root/usr/share/orthanc/plugins"
rm -rf "$root"/etc/orthanc/* "$root"/var/lib/orthanc/*
mkdir -p "$root/var/lib/orthanc/db"
chroot "$root" localedef --inputfile=en_US --charmap=UTF-8 en_US.UTF-8
chroot "$root" Orthanc --config=/etc/orthanc/orthanc.json
sed -i -e 's|\("Name" : \)".*"|\1"Orthanc inside Docker"|' \
  -e 's|\("IndexDirectory" : \)".*"|\1"/var/lib/orthanc/db"|' \
  -e 's|\("StorageDirectory" : \)".*"|\1"/var/lib/orthanc/db"|' \
  -e 's|\("Plugins" : \[\)|\1 "/usr/share/orthanc/plugins", "/usr/local/share/orthanc/plugins"|' \
  -e 's|"RemoteAccessAllowed" : false|"RemoteAccessAllowed" : true|' \
  -e 's|"AuthenticationEnabled" : false|"AuthenticationEnabled" : true|' "$root/etc/orthanc/orthanc.json"
