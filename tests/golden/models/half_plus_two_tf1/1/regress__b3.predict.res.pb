
%
outputs*ÍıM@=@¨»4>	regress