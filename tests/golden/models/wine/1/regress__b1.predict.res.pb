

outputs*¬ºSC	regress