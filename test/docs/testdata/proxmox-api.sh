useradd --system ipmi # as which the BMC runs
