

wineserving_defaultR
measurementsB*4<¬?RLÀZ³¿¿3O@Wµ™>ÆmŸ<T(š@Y·^@oğ“?9iÀÈTÄ>ŸFn@h-“>