"""Writes NAME.json beside each NAME.conf here: what the predecessor's code makes of it.

ConfigParser without interpolation, then Python's % with a mapping. Run it in this directory.
"""

import configparser
import glob
import json

DATA = {"name": "node-0", "bootdev": "hd", "boot_device": "hd"}

for path in glob.glob("*.conf"):
    config = configparser.ConfigParser(interpolation=None)
    config.read(path, encoding="utf-8")
    scripts = {
        f"{section} {key}".lower(): value % DATA
        for section in config.sections()
        for key, value in config[section].items()
    }
    with open(path.replace(".conf", ".json"), "w", encoding="utf-8") as out:
        json.dump(scripts, out, indent=2)
        out.write("\n")
