# The image, and a libvirt that has no domain yet: its stand-in has one that is off.
mkdir -p /srv/images /root/.config
echo 'an image' >/srv/images/boot.iso
echo 'shut off' >/srv/libvirt/state
rm -f /srv/libvirt/xml /srv/libvirt/reason
