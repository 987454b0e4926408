import './css/embed.css'
import './css/player.css'
import './player/player'
