
#
y*#‡T@ >7>È/@S¶@Äå>serving_default