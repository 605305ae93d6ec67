# What belongs to the hypervisors: their groups, the user of VirtualBox, logins as their stand-ins know them.
groupadd --force libvirt
groupadd --force incus-admin
useradd alice
mkdir /etc/shipmi
cp /srv/vmware-govc/login /etc/shipmi/vcenter.env
cp /srv/kubevirt/kubeconfig /etc/shipmi/lab.kubeconfig
cp -r /srv/apc-snmp/snmp /etc/shipmi/pdu
