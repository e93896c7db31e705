
$
half_plus_two_tf2serving_default‘
x‹ *€C*ÀaTÀz°š>	x>8–@Gél>Œ\Ö¿ÊŽî¾(Û>^T1>Œ5À—8f?Z>;¾Mñ¢¼1ì×¿i:×¿ŠË¿*S?v›à¿Rm¾Wtÿ¿äFŽ¿üôn@«–T@O?v=?åÙ+À¡F©¿^Hü?¶Ø\¿KÏÃ¿BE?