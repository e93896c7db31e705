

outputs*ºxù?	regress