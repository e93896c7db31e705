

wineserving_default‚
measurementsr*hXD?¿Õ‹µ?éQ\?pà¬@½@Ö¿Wâz@Øª@ÔÊJÀ"q¶¿x*#?üMÒ?\CzÀYË–?7¡@æÿâ¿ŒÓ1Àm¦¿ÿ;\?<ò¿›&½Xò)¿_®˜?[‘w¿‹©?Ê¤7¿