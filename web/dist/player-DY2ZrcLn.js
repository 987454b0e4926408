import{i as e,r as t,t as n}from"./format-D8IZR-8N.js";var r=class{addEventListener(){}removeEventListener(){}dispatchEvent(){return!0}},i=class extends r{},a=class extends i{constructor(){super(...arguments),this.role=null}},o=class{observe(){}unobserve(){}disconnect(){}},s={createElement:function(){return new c.HTMLElement},createElementNS:function(){return new c.HTMLElement},addEventListener(){},removeEventListener(){},dispatchEvent(e){return!1}},c={ResizeObserver:o,document:s,Node:i,Element:a,HTMLElement:class extends a{constructor(){super(...arguments),this.innerHTML=``}get content(){return new c.DocumentFragment}},DocumentFragment:class extends r{},customElements:{get:function(){},define:function(){},whenDefined:function(){}},localStorage:{getItem(e){return null},setItem(e,t){},removeItem(e){}},CustomEvent:function(){},getComputedStyle:function(){},navigator:{languages:[],get userAgent(){return``}},matchMedia(e){return{matches:!1,media:e}},DOMParser:class{parseFromString(e,t){return{body:{textContent:e}}}}},l=`global`in globalThis&&(globalThis==null?void 0:globalThis.global)===globalThis||typeof window>`u`||window.customElements===void 0,u=Object.keys(c).every(e=>e in globalThis),d=l&&!u?c:globalThis,f=l&&!u?s:globalThis.document,p={MEDIA_PLAY_REQUEST:`mediaplayrequest`,MEDIA_PAUSE_REQUEST:`mediapauserequest`,MEDIA_MUTE_REQUEST:`mediamuterequest`,MEDIA_UNMUTE_REQUEST:`mediaunmuterequest`,MEDIA_LOOP_REQUEST:`medialooprequest`,MEDIA_VOLUME_REQUEST:`mediavolumerequest`,MEDIA_SEEK_REQUEST:`mediaseekrequest`,MEDIA_AIRPLAY_REQUEST:`mediaairplayrequest`,MEDIA_ENTER_FULLSCREEN_REQUEST:`mediaenterfullscreenrequest`,MEDIA_EXIT_FULLSCREEN_REQUEST:`mediaexitfullscreenrequest`,MEDIA_PREVIEW_REQUEST:`mediapreviewrequest`,MEDIA_ENTER_PIP_REQUEST:`mediaenterpiprequest`,MEDIA_EXIT_PIP_REQUEST:`mediaexitpiprequest`,MEDIA_ENTER_CAST_REQUEST:`mediaentercastrequest`,MEDIA_EXIT_CAST_REQUEST:`mediaexitcastrequest`,MEDIA_SHOW_TEXT_TRACKS_REQUEST:`mediashowtexttracksrequest`,MEDIA_HIDE_TEXT_TRACKS_REQUEST:`mediahidetexttracksrequest`,MEDIA_SHOW_SUBTITLES_REQUEST:`mediashowsubtitlesrequest`,MEDIA_DISABLE_SUBTITLES_REQUEST:`mediadisablesubtitlesrequest`,MEDIA_TOGGLE_SUBTITLES_REQUEST:`mediatogglesubtitlesrequest`,MEDIA_PLAYBACK_RATE_REQUEST:`mediaplaybackraterequest`,MEDIA_RENDITION_REQUEST:`mediarenditionrequest`,MEDIA_AUDIO_TRACK_REQUEST:`mediaaudiotrackrequest`,MEDIA_SEEK_TO_LIVE_REQUEST:`mediaseektoliverequest`,REGISTER_MEDIA_STATE_RECEIVER:`registermediastatereceiver`,UNREGISTER_MEDIA_STATE_RECEIVER:`unregistermediastatereceiver`},m={MEDIA_CHROME_ATTRIBUTES:`mediachromeattributes`,MEDIA_CONTROLLER:`mediacontroller`},h={MEDIA_AIRPLAY_UNAVAILABLE:`mediaAirplayUnavailable`,MEDIA_AUDIO_TRACK_ENABLED:`mediaAudioTrackEnabled`,MEDIA_AUDIO_TRACK_LIST:`mediaAudioTrackList`,MEDIA_AUDIO_TRACK_UNAVAILABLE:`mediaAudioTrackUnavailable`,MEDIA_BUFFERED:`mediaBuffered`,MEDIA_CAST_UNAVAILABLE:`mediaCastUnavailable`,MEDIA_CHAPTERS_CUES:`mediaChaptersCues`,MEDIA_CURRENT_TIME:`mediaCurrentTime`,MEDIA_DURATION:`mediaDuration`,MEDIA_ENDED:`mediaEnded`,MEDIA_ERROR:`mediaError`,MEDIA_ERROR_CODE:`mediaErrorCode`,MEDIA_ERROR_MESSAGE:`mediaErrorMessage`,MEDIA_FULLSCREEN_UNAVAILABLE:`mediaFullscreenUnavailable`,MEDIA_HAS_PLAYED:`mediaHasPlayed`,MEDIA_HEIGHT:`mediaHeight`,MEDIA_IS_AIRPLAYING:`mediaIsAirplaying`,MEDIA_IS_CASTING:`mediaIsCasting`,MEDIA_IS_FULLSCREEN:`mediaIsFullscreen`,MEDIA_IS_PIP:`mediaIsPip`,MEDIA_LOADING:`mediaLoading`,MEDIA_MUTED:`mediaMuted`,MEDIA_LOOP:`mediaLoop`,MEDIA_PAUSED:`mediaPaused`,MEDIA_PIP_UNAVAILABLE:`mediaPipUnavailable`,MEDIA_PLAYBACK_RATE:`mediaPlaybackRate`,MEDIA_PREVIEW_CHAPTER:`mediaPreviewChapter`,MEDIA_PREVIEW_COORDS:`mediaPreviewCoords`,MEDIA_PREVIEW_IMAGE:`mediaPreviewImage`,MEDIA_PREVIEW_TIME:`mediaPreviewTime`,MEDIA_RENDITION_LIST:`mediaRenditionList`,MEDIA_RENDITION_SELECTED:`mediaRenditionSelected`,MEDIA_RENDITION_UNAVAILABLE:`mediaRenditionUnavailable`,MEDIA_SEEKABLE:`mediaSeekable`,MEDIA_STREAM_TYPE:`mediaStreamType`,MEDIA_SUBTITLES_LIST:`mediaSubtitlesList`,MEDIA_SUBTITLES_SHOWING:`mediaSubtitlesShowing`,MEDIA_TARGET_LIVE_WINDOW:`mediaTargetLiveWindow`,MEDIA_TIME_IS_LIVE:`mediaTimeIsLive`,MEDIA_VOLUME:`mediaVolume`,MEDIA_VOLUME_LEVEL:`mediaVolumeLevel`,MEDIA_VOLUME_UNAVAILABLE:`mediaVolumeUnavailable`,MEDIA_LANG:`mediaLang`,MEDIA_WIDTH:`mediaWidth`},ee=Object.entries(h),g=ee.reduce((e,[t,n])=>(e[t]=n.toLowerCase(),e),{}),te=ee.reduce((e,[t,n])=>(e[t]=n.toLowerCase(),e),{USER_INACTIVE_CHANGE:`userinactivechange`,BREAKPOINTS_CHANGE:`breakpointchange`,BREAKPOINTS_COMPUTED:`breakpointscomputed`});Object.entries(te).reduce((e,[t,n])=>{let r=g[t];return r&&(e[n]=r),e},{userinactivechange:`userinactive`});var ne=Object.entries(g).reduce((e,[t,n])=>{let r=te[t];return r&&(e[n]=r),e},{userinactive:`userinactivechange`}),_={SUBTITLES:`subtitles`,CAPTIONS:`captions`,DESCRIPTIONS:`descriptions`,CHAPTERS:`chapters`,METADATA:`metadata`},re={DISABLED:`disabled`,HIDDEN:`hidden`,SHOWING:`showing`},ie={MOUSE:`mouse`,PEN:`pen`,TOUCH:`touch`},v={UNAVAILABLE:`unavailable`,UNSUPPORTED:`unsupported`},y={LIVE:`live`,ON_DEMAND:`on-demand`,UNKNOWN:`unknown`},ae={INLINE:`inline`,FULLSCREEN:`fullscreen`,PICTURE_IN_PICTURE:`picture-in-picture`},oe=new WeakMap,se=e=>{let t=oe.get(e);return t||oe.set(e,t=new Set),t},ce=new d.ResizeObserver(e=>{for(let t of e)for(let e of se(t.target))e(t)});function le(e,t){se(e).add(t),ce.observe(e)}function ue(e,t){let n=se(e);n.delete(t),n.size||ce.unobserve(e)}function b(e){let t={};for(let n of e)t[n.name]=n.value;return t}function de(e){return fe(e)??me(e,`media-controller`)}function fe(e){let{MEDIA_CONTROLLER:t}=m,n=e.getAttribute(t);if(n)return ge(e)?.getElementById(n)}var pe=(e,t)=>!e||!t?!1:e?.contains(t)?!0:pe(e,t.getRootNode().host),me=(e,t)=>e?e.closest(t)||me(e.getRootNode().host,t):null;function he(e=document){let t=e?.activeElement;return t?he(t.shadowRoot)??t:null}function ge(e){let t=(e?.getRootNode)?.call(e);return t instanceof ShadowRoot||t instanceof Document?t:null}function _e(e,{depth:t=3,checkOpacity:n=!0,checkVisibilityCSS:r=!0}={}){if(e.checkVisibility)return e.checkVisibility({checkOpacity:n,checkVisibilityCSS:r});let i=e;for(;i&&t>0;){let e=getComputedStyle(i);if(n&&e.opacity===`0`||r&&e.visibility===`hidden`||e.display===`none`)return!1;i=i.parentElement,t--}return!0}function ve(e,t,n,r){let i=r.x-n.x,a=r.y-n.y,o=i*i+a*a;if(o===0)return 0;let s=((e-n.x)*i+(t-n.y)*a)/o;return Math.max(0,Math.min(1,s))}function x(e,t){return ye(e,e=>e===t)||be(e,t)}function ye(e,t){let n;for(n of e.querySelectorAll(`style:not([media])`)??[]){let e;try{e=n.sheet?.cssRules}catch{continue}for(let n of e??[])if(t(n.selectorText))return n}}function be(e,t){let n=e.querySelectorAll(`style:not([media])`)??[],r=n?.[n.length-1];if(!r?.sheet)return console.warn(`Media Chrome: No style sheet found on style tag of`,e),{style:{setProperty:()=>{},removeProperty:()=>``,getPropertyValue:()=>``}};let i=r?.sheet.insertRule(`${t}{}`,r.sheet.cssRules.length);return r.sheet.cssRules?.[i]}function S(e,t,n=NaN){let r=e.getAttribute(t);return r==null?n:+r}function C(e,t,n){let r=+n;n==null||Number.isNaN(r)?e.hasAttribute(t)&&e.removeAttribute(t):S(e,t,void 0)!==r&&e.setAttribute(t,`${r}`)}function w(e,t){return e.hasAttribute(t)}function T(e,t,n){n==null?e.hasAttribute(t)&&e.removeAttribute(t):w(e,t)!=n&&e.toggleAttribute(t,n)}function E(e,t,n=null){return e.getAttribute(t)??n}function D(e,t,n){if(n==null){e.hasAttribute(t)&&e.removeAttribute(t);return}let r=`${n}`;E(e,t,void 0)!==r&&e.setAttribute(t,r)}var xe=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},Se=(e,t,n)=>(xe(e,t,`read from private field`),n?n.call(e):t.get(e)),Ce=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},we=(e,t,n,r)=>(xe(e,t,`write to private field`),r?r.call(e,n):t.set(e,n),n),O;function Te(e){return`
    <style>
      :host {
        display: var(--media-control-display, var(--media-gesture-receiver-display, inline-block));
        box-sizing: border-box;
      }
    </style>
  `}var Ee=class extends d.HTMLElement{constructor(){if(super(),Ce(this,O,void 0),!this.shadowRoot){this.attachShadow(this.constructor.shadowRootOptions);let e=b(this.attributes);this.shadowRoot.innerHTML=this.constructor.getTemplateHTML(e)}}static get observedAttributes(){return[m.MEDIA_CONTROLLER,g.MEDIA_PAUSED]}attributeChangedCallback(e,t,n){var r,i,a,o;e===m.MEDIA_CONTROLLER&&(t&&((i=(r=Se(this,O))?.unassociateElement)==null||i.call(r,this),we(this,O,null)),n&&this.isConnected&&(we(this,O,this.getRootNode()?.getElementById(n)),(o=(a=Se(this,O))?.associateElement)==null||o.call(a,this)))}connectedCallback(){var e,t;this.tabIndex=-1,this.setAttribute(`aria-hidden`,`true`),we(this,O,De(this)),this.getAttribute(m.MEDIA_CONTROLLER)&&((t=(e=Se(this,O))?.associateElement)==null||t.call(e,this)),Se(this,O)&&(Se(this,O).addEventListener(`pointerdown`,this),Se(this,O).addEventListener(`click`,this),Se(this,O).hasAttribute(`tabindex`)||(Se(this,O).tabIndex=0))}disconnectedCallback(){var e,t,n,r;this.getAttribute(m.MEDIA_CONTROLLER)&&((t=(e=Se(this,O))?.unassociateElement)==null||t.call(e,this)),(n=Se(this,O))==null||n.removeEventListener(`pointerdown`,this),(r=Se(this,O))==null||r.removeEventListener(`click`,this),we(this,O,null)}handleEvent(e){let t=e.composedPath()?.[0];if([`video`,`media-controller`].includes(t?.localName)){if(e.type===`pointerdown`)this._pointerType=e.pointerType;else if(e.type===`click`){let{clientX:t,clientY:n}=e,{left:r,top:i,width:a,height:o}=this.getBoundingClientRect(),s=t-r,c=n-i;if(s<0||c<0||s>a||c>o||a===0&&o===0)return;let l=this._pointerType||`mouse`;if(this._pointerType=void 0,l===ie.TOUCH){this.handleTap(e);return}if(l===ie.MOUSE||l===ie.PEN){this.handleMouseClick(e);return}}}}get mediaPaused(){return w(this,g.MEDIA_PAUSED)}set mediaPaused(e){T(this,g.MEDIA_PAUSED,e)}handleTap(e){}handleMouseClick(e){let t=this.mediaPaused?p.MEDIA_PLAY_REQUEST:p.MEDIA_PAUSE_REQUEST;this.dispatchEvent(new d.CustomEvent(t,{composed:!0,bubbles:!0}))}};O=new WeakMap,Ee.shadowRootOptions={mode:`open`},Ee.getTemplateHTML=Te;function De(e){let t=e.getAttribute(m.MEDIA_CONTROLLER);return t?e.getRootNode()?.getElementById(t):me(e,`media-controller`)}d.customElements.get(`media-gesture-receiver`)||d.customElements.define(`media-gesture-receiver`,Ee);var Oe=Ee,ke={en:{"Start airplay":`Start airplay`,"Stop airplay":`Stop airplay`,Audio:`Audio`,Captions:`Captions`,"Enable captions":`Enable captions`,"Disable captions":`Disable captions`,"Start casting":`Start casting`,"Stop casting":`Stop casting`,"Enter fullscreen mode":`Enter fullscreen mode`,"Exit fullscreen mode":`Exit fullscreen mode`,Mute:`Mute`,Unmute:`Unmute`,Loop:`Loop`,"Enter picture in picture mode":`Enter picture in picture mode`,"Exit picture in picture mode":`Exit picture in picture mode`,Play:`Play`,Pause:`Pause`,"Playback rate":`Playback rate`,"Playback rate {playbackRate}":`Playback rate {playbackRate}`,Quality:`Quality`,"Seek backward":`Seek backward`,"Seek forward":`Seek forward`,Settings:`Settings`,Auto:`Auto`,"audio player":`audio player`,"video player":`video player`,volume:`volume`,seek:`seek`,"closed captions":`closed captions`,"current playback rate":`current playback rate`,"playback time":`playback time`,"media loading":`media loading`,settings:`settings`,"audio tracks":`audio tracks`,quality:`quality`,play:`play`,pause:`pause`,mute:`mute`,unmute:`unmute`,"chapter: {chapterName}":`chapter: {chapterName}`,live:`live`,Off:`Off`,"start airplay":`start airplay`,"stop airplay":`stop airplay`,"start casting":`start casting`,"stop casting":`stop casting`,"enter fullscreen mode":`enter fullscreen mode`,"exit fullscreen mode":`exit fullscreen mode`,"enter picture in picture mode":`enter picture in picture mode`,"exit picture in picture mode":`exit picture in picture mode`,"seek to live":`seek to live`,"playing live":`playing live`,"seek back {seekOffset} seconds":`seek back {seekOffset} seconds`,"seek forward {seekOffset} seconds":`seek forward {seekOffset} seconds`,"Network Error":`Network Error`,"Decode Error":`Decode Error`,"Source Not Supported":`Source Not Supported`,"Encryption Error":`Encryption Error`,"A network error caused the media download to fail.":`A network error caused the media download to fail.`,"A media error caused playback to be aborted. The media could be corrupt or your browser does not support this format.":`A media error caused playback to be aborted. The media could be corrupt or your browser does not support this format.`,"An unsupported error occurred. The server or network failed, or your browser does not support this format.":`An unsupported error occurred. The server or network failed, or your browser does not support this format.`,"The media is encrypted and there are no keys to decrypt it.":`The media is encrypted and there are no keys to decrypt it.`,hour:`hour`,hours:`hours`,minute:`minute`,minutes:`minutes`,second:`second`,seconds:`seconds`,"{time} remaining":`{time} remaining`,"{currentTime} of {totalTime}":`{currentTime} of {totalTime}`,"video not loaded, unknown time.":`video not loaded, unknown time.`}},Ae=globalThis.navigator?.language||`en`,je=e=>{Ae=e},Me=e=>{let[t]=Ae.split(`-`);return ke[Ae]?.[e]||ke[t]?.[e]||ke.en?.[e]||e},Ne=()=>{let[e]=Ae.split(`-`);return ke[Ae]?Ae:ke[e]?e:`en`},k=(e,t={})=>Me(e).replace(/\{(\w+)\}/g,(e,n)=>n in t?String(t[n]):`{${n}}`),Pe=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},A=(e,t,n)=>(Pe(e,t,`read from private field`),n?n.call(e):t.get(e)),j=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},Fe=(e,t,n,r)=>(Pe(e,t,`write to private field`),r?r.call(e,n):t.set(e,n),n),Ie=(e,t,n)=>(Pe(e,t,`access private method`),n),Le,Re,ze,Be,Ve,He,Ue,We,Ge,Ke,qe,Je,Ye,Xe,Ze,Qe,$e,et,tt,nt,M={AUDIO:`audio`,AUTOHIDE:`autohide`,BREAKPOINTS:`breakpoints`,GESTURES_DISABLED:`gesturesdisabled`,KEYBOARD_CONTROL:`keyboardcontrol`,NO_AUTOHIDE:`noautohide`,USER_INACTIVE:`userinactive`,AUTOHIDE_OVER_CONTROLS:`autohideovercontrols`};function rt(e){return`
    <style>
      
      :host([${g.MEDIA_IS_FULLSCREEN}]) ::slotted([slot=media]) {
        outline: none;
      }

      :host {
        box-sizing: border-box;
        position: relative;
        display: inline-block;
        line-height: 0;
        background-color: var(--media-background-color, #000);
        overflow: hidden;
      }

      :host(:not([${M.AUDIO}])) [part~=layer]:not([part~=media-layer]) {
        position: absolute;
        top: 0;
        left: 0;
        bottom: 0;
        right: 0;
        display: flex;
        flex-flow: column nowrap;
        align-items: start;
        pointer-events: none;
        background: none;
      }

      slot[name=media] {
        display: var(--media-slot-display, contents);
      }

      
      :host([${M.AUDIO}]) slot[name=media] {
        display: var(--media-slot-display, none);
      }

      
      :host([${M.AUDIO}]) [part~=layer][part~=gesture-layer] {
        height: 0;
        display: block;
      }

      
      :host(:not([${M.AUDIO}])[${M.GESTURES_DISABLED}]) ::slotted([slot=gestures-chrome]),
          :host(:not([${M.AUDIO}])[${M.GESTURES_DISABLED}]) media-gesture-receiver[slot=gestures-chrome] {
        display: none;
      }

      
      ::slotted(:not([slot=media]):not([slot=poster]):not(media-loading-indicator):not([role=dialog]):not([hidden])) {
        pointer-events: auto;
      }

      :host(:not([${M.AUDIO}])) *[part~=layer][part~=centered-layer] {
        align-items: center;
        justify-content: center;
      }

      :host(:not([${M.AUDIO}])) ::slotted(media-gesture-receiver[slot=gestures-chrome]),
      :host(:not([${M.AUDIO}])) media-gesture-receiver[slot=gestures-chrome] {
        align-self: stretch;
        flex-grow: 1;
      }

      slot[name=middle-chrome] {
        display: inline;
        flex-grow: 1;
        pointer-events: none;
        background: none;
      }

      
      ::slotted([slot=media]),
      ::slotted([slot=poster]) {
        width: 100%;
        height: 100%;
      }

      
      :host(:not([${M.AUDIO}])) .spacer {
        flex-grow: 1;
      }

      
      :host(:-webkit-full-screen) {
        
        width: 100% !important;
        height: 100% !important;
      }

      
      ::slotted(:not([slot=media]):not([slot=poster]):not([${M.NO_AUTOHIDE}]):not([hidden]):not([role=dialog])) {
        opacity: 1;
        transition: var(--media-control-transition-in, opacity 0.25s);
      }

      
      :host([${M.USER_INACTIVE}]:not([${g.MEDIA_PAUSED}]):not([${g.MEDIA_IS_AIRPLAYING}]):not([${g.MEDIA_IS_CASTING}]):not([${M.AUDIO}])) ::slotted(:not([slot=media]):not([slot=poster]):not([${M.NO_AUTOHIDE}]):not([role=dialog])) {
        opacity: 0;
        transition: var(--media-control-transition-out, opacity 1s);
      }

      :host([${M.USER_INACTIVE}]:not([${M.NO_AUTOHIDE}]):not([${g.MEDIA_PAUSED}]):not([${g.MEDIA_IS_CASTING}]):not([${M.AUDIO}])) ::slotted([slot=media]) {
        cursor: none;
      }

      :host([${M.USER_INACTIVE}][${M.AUTOHIDE_OVER_CONTROLS}]:not([${M.NO_AUTOHIDE}]):not([${g.MEDIA_PAUSED}]):not([${g.MEDIA_IS_CASTING}]):not([${M.AUDIO}])) * {
        --media-cursor: none;
        cursor: none;
      }


      ::slotted(media-control-bar)  {
        align-self: stretch;
      }

      
      
      :host(:not([${M.AUDIO}])[${g.MEDIA_HAS_PLAYED}]) slot[name=poster],
      :host(:not([${M.AUDIO}])[${g.MEDIA_STREAM_TYPE}="${y.ON_DEMAND}"][${g.MEDIA_CURRENT_TIME}]:not([${g.MEDIA_CURRENT_TIME}="0"])) slot[name=poster] {
        display: none;
      }

      ::slotted([role=dialog]) {
        width: 100%;
        height: 100%;
        align-self: center;
      }

      ::slotted([role=menu]) {
        align-self: end;
      }
    </style>

    <slot name="media" part="layer media-layer"></slot>
    <slot name="poster" part="layer poster-layer"></slot>
    <slot name="gestures-chrome" part="layer gesture-layer">
      <media-gesture-receiver slot="gestures-chrome">
        <template shadowrootmode="${Oe.shadowRootOptions.mode}">
          ${Oe.getTemplateHTML({})}
        </template>
      </media-gesture-receiver>
    </slot>
    <span part="layer vertical-layer">
      <slot name="top-chrome" part="top chrome"></slot>
      <slot name="middle-chrome" part="middle chrome"></slot>
      <slot name="centered-chrome" part="layer centered-layer center centered chrome"></slot>
      
      <slot part="bottom chrome"></slot>
    </span>
    <slot name="dialog" part="layer dialog-layer"></slot>
  `}var it=Object.values(g),at=`sm:384 md:576 lg:768 xl:960`;function ot(e){st(e.target,e.contentRect.width)}function st(e,t){if(!e.isConnected)return;let n=ct(e.getAttribute(M.BREAKPOINTS)??at),r=lt(n,t),i=!1;if(Object.keys(n).forEach(t=>{r.includes(t)?e.hasAttribute(`breakpoint${t}`)||(e.setAttribute(`breakpoint${t}`,``),i=!0):e.hasAttribute(`breakpoint${t}`)&&(e.removeAttribute(`breakpoint${t}`),i=!0)}),i){let t=new CustomEvent(te.BREAKPOINTS_CHANGE,{detail:r});e.dispatchEvent(t)}e.breakpointsComputed||(e.breakpointsComputed=!0,e.dispatchEvent(new CustomEvent(te.BREAKPOINTS_COMPUTED,{bubbles:!0,composed:!0})))}function ct(e){let t=e.split(/\s+/);return Object.fromEntries(t.map(e=>e.split(`:`)))}function lt(e,t){return Object.keys(e).filter(n=>t>=parseInt(e[n]))}var ut=class extends d.HTMLElement{constructor(){if(super(),j(this,Ge),j(this,qe),j(this,Ye),j(this,Ze),j(this,$e),j(this,Le,void 0),j(this,Re,0),j(this,ze,null),j(this,Be,null),j(this,Ve,void 0),this.breakpointsComputed=!1,j(this,He,e=>{let t=this.media;for(let n of e){if(n.type!==`childList`)continue;let e=n.removedNodes;for(let r of e){if(r.slot!=`media`||n.target!=this)continue;let e=n.previousSibling&&n.previousSibling.previousElementSibling;if(!e||!t)this.mediaUnsetCallback(r);else{let t=e.slot!==`media`;for(;(e=e.previousSibling)!==null;)e.slot==`media`&&(t=!1);t&&this.mediaUnsetCallback(r)}}if(t)for(let e of n.addedNodes)e===t&&this.handleMediaUpdated(t)}}),j(this,Ue,!1),j(this,We,e=>{A(this,Ue)||(setTimeout(()=>{ot(e),Fe(this,Ue,!1)},0),Fe(this,Ue,!0))}),j(this,tt,void 0),j(this,nt,()=>{A(this,tt).assignedElements({flatten:!0}).length?this.handleMediaUpdated(this.media):A(this,ze)&&this.mediaUnsetCallback(A(this,ze))}),!this.shadowRoot){this.attachShadow(this.constructor.shadowRootOptions);let e=b(this.attributes),t=this.constructor.getTemplateHTML(e);this.shadowRoot.setHTMLUnsafe?this.shadowRoot.setHTMLUnsafe(t):this.shadowRoot.innerHTML=t}Fe(this,Le,new MutationObserver(A(this,He)))}static get observedAttributes(){return[M.AUTOHIDE,M.GESTURES_DISABLED].concat(it).filter(e=>![g.MEDIA_RENDITION_LIST,g.MEDIA_AUDIO_TRACK_LIST,g.MEDIA_CHAPTERS_CUES,g.MEDIA_WIDTH,g.MEDIA_HEIGHT,g.MEDIA_ERROR,g.MEDIA_ERROR_MESSAGE].includes(e))}attributeChangedCallback(e,t,n){e.toLowerCase()==M.AUTOHIDE&&(this.autohide=n)}get media(){let e=this.querySelector(`:scope > [slot=media]`);return e?.nodeName==`SLOT`&&(e=e.assignedElements({flatten:!0})[0]),e}async handleMediaUpdated(e){e&&(Fe(this,ze,e),e.localName.includes(`-`)&&await d.customElements.whenDefined(e.localName),this.mediaSetCallback(e))}connectedCallback(){var e;A(this,Le).observe(this,{childList:!0,subtree:!0}),le(this,A(this,We));let t=this.getAttribute(M.AUDIO)==null?k(`video player`):k(`audio player`);this.setAttribute(`role`,`region`),this.setAttribute(`aria-label`,t),this.handleMediaUpdated(this.media),this.setAttribute(M.USER_INACTIVE,``),st(this,this.getBoundingClientRect().width);let n=this.querySelector(`:scope > slot[slot=media]`);n&&(Fe(this,tt,n),A(this,tt).addEventListener(`slotchange`,A(this,nt))),this.addEventListener(`pointerdown`,this),this.addEventListener(`pointermove`,this),this.addEventListener(`pointerup`,this),this.addEventListener(`mouseleave`,this),this.addEventListener(`keyup`,this),(e=d.window)==null||e.addEventListener(`mouseup`,this)}disconnectedCallback(){var e;ue(this,A(this,We)),clearTimeout(A(this,Be)),A(this,Le).disconnect(),this.media&&this.mediaUnsetCallback(this.media),(e=d.window)==null||e.removeEventListener(`mouseup`,this),this.removeEventListener(`pointerdown`,this),this.removeEventListener(`pointermove`,this),this.removeEventListener(`pointerup`,this),this.removeEventListener(`mouseleave`,this),this.removeEventListener(`keyup`,this),A(this,tt)&&(A(this,tt).removeEventListener(`slotchange`,A(this,nt)),Fe(this,tt,null)),Fe(this,Ue,!1)}mediaSetCallback(e){}mediaUnsetCallback(e){Fe(this,ze,null)}handleEvent(e){switch(e.type){case`pointerdown`:Fe(this,Re,e.timeStamp);break;case`pointermove`:Ie(this,Ge,Ke).call(this,e);break;case`pointerup`:Ie(this,qe,Je).call(this,e);break;case`mouseleave`:Ie(this,Ye,Xe).call(this);break;case`mouseup`:this.removeAttribute(M.KEYBOARD_CONTROL);break;case`keyup`:Ie(this,$e,et).call(this),this.setAttribute(M.KEYBOARD_CONTROL,``)}}set autohide(e){let t=Number(e);Fe(this,Ve,isNaN(t)?0:t)}get autohide(){return(A(this,Ve)===void 0?2:A(this,Ve)).toString()}get breakpoints(){return E(this,M.BREAKPOINTS)}set breakpoints(e){D(this,M.BREAKPOINTS,e)}get audio(){return w(this,M.AUDIO)}set audio(e){T(this,M.AUDIO,e)}get gesturesDisabled(){return w(this,M.GESTURES_DISABLED)}set gesturesDisabled(e){T(this,M.GESTURES_DISABLED,e)}get keyboardControl(){return w(this,M.KEYBOARD_CONTROL)}set keyboardControl(e){T(this,M.KEYBOARD_CONTROL,e)}get noAutohide(){return w(this,M.NO_AUTOHIDE)}set noAutohide(e){T(this,M.NO_AUTOHIDE,e)}get autohideOverControls(){return w(this,M.AUTOHIDE_OVER_CONTROLS)}set autohideOverControls(e){T(this,M.AUTOHIDE_OVER_CONTROLS,e)}get userInteractive(){return w(this,M.USER_INACTIVE)}set userInteractive(e){T(this,M.USER_INACTIVE,e)}};Le=new WeakMap,Re=new WeakMap,ze=new WeakMap,Be=new WeakMap,Ve=new WeakMap,He=new WeakMap,Ue=new WeakMap,We=new WeakMap,Ge=new WeakSet,Ke=function(e){if(e.pointerType!==`mouse`&&e.timeStamp-A(this,Re)<250)return;Ie(this,Ze,Qe).call(this),clearTimeout(A(this,Be));let t=this.hasAttribute(M.AUTOHIDE_OVER_CONTROLS);([this,this.media].includes(e.target)||t)&&Ie(this,$e,et).call(this)},qe=new WeakSet,Je=function(e){if(e.pointerType===`touch`){let t=!this.hasAttribute(M.USER_INACTIVE);[this,this.media].includes(e.target)&&t?Ie(this,Ye,Xe).call(this):Ie(this,$e,et).call(this)}else e.composedPath().some(e=>[`media-play-button`,`media-fullscreen-button`].includes(e?.localName))&&Ie(this,$e,et).call(this)},Ye=new WeakSet,Xe=function(){if(A(this,Ve)<0||this.hasAttribute(M.USER_INACTIVE))return;this.setAttribute(M.USER_INACTIVE,``);let e=new d.CustomEvent(te.USER_INACTIVE_CHANGE,{composed:!0,bubbles:!0,detail:!0});this.dispatchEvent(e)},Ze=new WeakSet,Qe=function(){if(!this.hasAttribute(M.USER_INACTIVE))return;this.removeAttribute(M.USER_INACTIVE);let e=new d.CustomEvent(te.USER_INACTIVE_CHANGE,{composed:!0,bubbles:!0,detail:!1});this.dispatchEvent(e)},$e=new WeakSet,et=function(){Ie(this,Ze,Qe).call(this),clearTimeout(A(this,Be));let e=parseInt(this.autohide);e<0||Fe(this,Be,setTimeout(()=>{Ie(this,Ye,Xe).call(this)},e*1e3))},tt=new WeakMap,nt=new WeakMap,ut.shadowRootOptions={mode:`open`},ut.getTemplateHTML=rt,d.customElements.get(`media-container`)||d.customElements.define(`media-container`,ut);var dt=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},ft=(e,t,n)=>(dt(e,t,`read from private field`),n?n.call(e):t.get(e)),pt=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},mt=(e,t,n,r)=>(dt(e,t,`write to private field`),r?r.call(e,n):t.set(e,n),n),ht=(e,t,n)=>(dt(e,t,`access private method`),n),gt,_t,vt,yt,bt,xt,St,Ct,wt,Tt,Et,Dt,Ot,kt,At;function jt(e){return`
    <style>
      :host {
        font: var(--media-font,
          var(--media-font-weight, normal)
          var(--media-font-size, 14px) /
          var(--media-text-content-height, var(--media-control-height, 24px))
          var(--media-font-family, helvetica neue, segoe ui, roboto, arial, sans-serif));
        color: var(--media-text-color, var(--media-primary-color, rgb(238 238 238)));
        display: var(--media-dialog-display, inline-flex);
        justify-content: center;
        align-items: center;
        
        transition-behavior: allow-discrete;
        visibility: hidden;
        opacity: 0;
        transform: translateY(2px) scale(.99);
        pointer-events: none;
      }

      :host([open]) {
        transition: display .2s, visibility 0s, opacity .2s ease-out, transform .15s ease-out;
        visibility: visible;
        opacity: 1;
        transform: translateY(0) scale(1);
        pointer-events: auto;
      }

      #content {
        display: flex;
        position: relative;
        box-sizing: border-box;
        width: min(320px, 100%);
        word-wrap: break-word;
        max-height: 100%;
        overflow: auto;
        text-align: center;
        line-height: 1.4;
      }
    </style>
    ${this.getSlotTemplateHTML(e)}
  `}function Mt(e){return`
    <slot id="content"></slot>
  `}var Nt={OPEN:`open`,ANCHOR:`anchor`},Pt=class extends d.HTMLElement{constructor(){super(),pt(this,yt),pt(this,xt),pt(this,Ct),pt(this,Tt),pt(this,Dt),pt(this,kt),pt(this,gt,!1),pt(this,_t,null),pt(this,vt,null)}static get observedAttributes(){return[Nt.OPEN,Nt.ANCHOR]}get open(){return w(this,Nt.OPEN)}set open(e){T(this,Nt.OPEN,e)}handleEvent(e){switch(e.type){case`invoke`:ht(this,Tt,Et).call(this,e);break;case`focusout`:ht(this,Dt,Ot).call(this,e);break;case`keydown`:ht(this,kt,At).call(this,e)}}connectedCallback(){ht(this,yt,bt).call(this),this.role||=`dialog`,this.addEventListener(`invoke`,this),this.addEventListener(`focusout`,this),this.addEventListener(`keydown`,this)}disconnectedCallback(){this.removeEventListener(`invoke`,this),this.removeEventListener(`focusout`,this),this.removeEventListener(`keydown`,this)}attributeChangedCallback(e,t,n){ht(this,yt,bt).call(this),e===Nt.OPEN&&n!==t&&(this.open?ht(this,xt,St).call(this):ht(this,Ct,wt).call(this))}focus(){mt(this,_t,he());let e=!this.dispatchEvent(new Event(`focus`,{composed:!0,cancelable:!0})),t=!this.dispatchEvent(new Event(`focusin`,{composed:!0,bubbles:!0,cancelable:!0}));e||t||this.querySelector(`[autofocus], [tabindex]:not([tabindex="-1"]), [role="menu"]`)?.focus()}get keysUsed(){return[`Escape`,`Tab`]}};gt=new WeakMap,_t=new WeakMap,vt=new WeakMap,yt=new WeakSet,bt=function(){if(!ft(this,gt)&&(mt(this,gt,!0),!this.shadowRoot)){this.attachShadow(this.constructor.shadowRootOptions);let e=b(this.attributes);this.shadowRoot.innerHTML=this.constructor.getTemplateHTML(e),queueMicrotask(()=>{let{style:e}=x(this.shadowRoot,`:host`);e.setProperty(`transition`,`display .15s, visibility .15s, opacity .15s ease-in, transform .15s ease-in`)})}},xt=new WeakSet,St=function(){var e;(e=ft(this,vt))==null||e.setAttribute(`aria-expanded`,`true`),this.dispatchEvent(new Event(`open`,{composed:!0,bubbles:!0})),this.addEventListener(`transitionend`,()=>this.focus(),{once:!0})},Ct=new WeakSet,wt=function(){var e;(e=ft(this,vt))==null||e.setAttribute(`aria-expanded`,`false`),this.dispatchEvent(new Event(`close`,{composed:!0,bubbles:!0}))},Tt=new WeakSet,Et=function(e){mt(this,vt,e.relatedTarget),pe(this,e.relatedTarget)||(this.open=!this.open)},Dt=new WeakSet,Ot=function(e){var t;pe(this,e.relatedTarget)||((t=ft(this,_t))==null||t.focus(),ft(this,vt)&&ft(this,vt)!==e.relatedTarget&&this.open&&(this.open=!1))},kt=new WeakSet,At=function(e){var t,n,r,i,a;let{key:o,ctrlKey:s,altKey:c,metaKey:l}=e;s||c||l||this.keysUsed.includes(o)&&(e.preventDefault(),e.stopPropagation(),o===`Tab`?(e.shiftKey?(n=(t=this.previousElementSibling)?.focus)==null||n.call(t):(i=(r=this.nextElementSibling)?.focus)==null||i.call(r),this.blur()):o===`Escape`&&((a=ft(this,_t))==null||a.focus(),this.open=!1))},Pt.shadowRootOptions={mode:`open`},Pt.getTemplateHTML=jt,Pt.getSlotTemplateHTML=Mt,d.customElements.get(`media-chrome-dialog`)||d.customElements.define(`media-chrome-dialog`,Pt);var Ft=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},It=(e,t,n)=>(Ft(e,t,`read from private field`),n?n.call(e):t.get(e)),Lt=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},Rt,zt,Bt={HOTKEYS:`hotkeys`},Vt=[{keys:[{key:` `,label:`Space`},{key:`k`}],description:`Toggle Playback`},{keys:[{key:`m`}],description:`Toggle mute`},{keys:[{key:`f`}],description:`Toggle fullscreen`},{keys:[{key:`c`}],description:`Toggle captions or subtitles, if available`},{keys:[{key:`p`}],description:`Toggle Picture in Picture`},{keys:[{key:`ArrowLeft`,label:`←`},{key:`j`}],description:`Seek back 10s`},{keys:[{key:`ArrowRight`,label:`→`},{key:`l`}],description:`Seek forward 10s`},{keys:[{key:`ArrowUp`,label:`↑`}],description:`Turn volume up`},{keys:[{key:`ArrowDown`,label:`↓`}],description:`Turn volume down`},{keys:[{key:`<`,label:`< (SHIFT+,)`}],description:`Decrease playback rate`},{keys:[{key:`>`,label:`> (SHIFT+.)`}],description:`Increase playback rate`},{keys:[{key:`shift+/`,label:`SHIFT+/`}],description:`Show keyboard shortcuts`}];function Ht(e){return e===` `?`nospace`:`no${e.toLowerCase()}`}function Ut(e){let t=new Set(e?.split(/\s+/));return Vt.map(({keys:e,description:n})=>({keys:e.filter(({key:e})=>!t.has(Ht(e))),description:n})).filter(({keys:e})=>e.length)}function Wt(e){return`
    <style>
      :host {
        position: fixed;
        top: 0;
        left: 0;
        z-index: 9999;
        background: rgb(20 20 30 / .8);
        backdrop-filter: blur(10px);
      }

      #content {
        display: block;
        width: clamp(400px, 40vw, 700px);
        max-width: 90vw;
        text-align: left;
      }

      h2 {
        margin: 0 0 1.5rem 0;
        font-size: 1.5rem;
        font-weight: 500;
        text-align: center;
      }

      .shortcuts-table {
        width: 100%;
        border-collapse: collapse;
      }

      .shortcuts-table tr {
        border-bottom: 1px solid rgba(255, 255, 255, 0.1);
      }

      .shortcuts-table tr:last-child {
        border-bottom: none;
      }

      .shortcuts-table td {
        padding: 0.75rem 0.5rem;
      }

      .shortcuts-table td:first-child {
        text-align: right;
        padding-right: 1rem;
        width: 40%;
        min-width: 120px;
      }

      .shortcuts-table td:last-child {
        padding-left: 1rem;
      }

      .key {
        display: inline-block;
        background: rgba(255, 255, 255, 0.15);
        border: 1px solid rgba(255, 255, 255, 0.2);
        border-radius: 4px;
        padding: 0.25rem 0.5rem;
        font-family: 'Courier New', monospace;
        font-size: 0.9rem;
        font-weight: 500;
        min-width: 1.5rem;
        text-align: center;
        margin: 0 0.2rem;
      }

      .description {
        color: rgba(255, 255, 255, 0.9);
        font-size: 0.95rem;
      }

      .key-combo {
        display: flex;
        align-items: center;
        justify-content: flex-end;
        gap: 0.3rem;
      }

      .key-separator {
        color: rgba(255, 255, 255, 0.5);
        font-size: 0.9rem;
      }
    </style>
    <slot id="content">
      ${Gt(e[Bt.HOTKEYS])}
    </slot>
  `}function Gt(e){return`
    <h2>Keyboard Shortcuts</h2>
    <table class="shortcuts-table">${Ut(e).map(({keys:e,description:t})=>`
        <tr>
          <td>
            <div class="key-combo">${e.map(({key:e,label:t=e},n)=>n>0?`<span class="key-separator">or</span><span class="key">${t}</span>`:`<span class="key">${t}</span>`).join(``)}</div>
          </td>
          <td class="description">${t}</td>
        </tr>
      `).join(``)}</table>
  `}var Kt=class extends Pt{constructor(){super(...arguments),Lt(this,Rt,e=>{if(!this.open)return;let t=this.shadowRoot?.querySelector(`#content`);if(!t)return;let n=e.composedPath(),r=n[0]===this||n.includes(this),i=n.includes(t);r&&!i&&(this.open=!1)}),Lt(this,zt,e=>{if(!this.open)return;let t=e.shiftKey&&(e.key===`/`||e.key===`?`);e.key!==`Escape`&&!t||e.ctrlKey||e.altKey||e.metaKey||(this.open=!1,e.preventDefault(),e.stopPropagation())})}static get observedAttributes(){return[...super.observedAttributes,Bt.HOTKEYS]}get hotkeys(){return E(this,Bt.HOTKEYS)??void 0}set hotkeys(e){D(this,Bt.HOTKEYS,e)}connectedCallback(){super.connectedCallback(),this.open&&(this.addEventListener(`click`,It(this,Rt)),document.addEventListener(`keydown`,It(this,zt)))}disconnectedCallback(){this.removeEventListener(`click`,It(this,Rt)),document.removeEventListener(`keydown`,It(this,zt))}attributeChangedCallback(e,t,n){if(super.attributeChangedCallback(e,t,n),e===`open`)this.open?(this.addEventListener(`click`,It(this,Rt)),document.addEventListener(`keydown`,It(this,zt))):(this.removeEventListener(`click`,It(this,Rt)),document.removeEventListener(`keydown`,It(this,zt)));else if(e===Bt.HOTKEYS&&n!==t){let e=this.shadowRoot?.querySelector(`#content`);e&&(e.innerHTML=Gt(n))}}};Rt=new WeakMap,zt=new WeakMap,Kt.getSlotTemplateHTML=Wt,d.customElements.get(`media-keyboard-shortcuts-dialog`)||d.customElements.define(`media-keyboard-shortcuts-dialog`,Kt);var qt=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},N=(e,t,n)=>(qt(e,t,`read from private field`),n?n.call(e):t.get(e)),Jt=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},Yt=(e,t,n,r)=>(qt(e,t,`write to private field`),r?r.call(e,n):t.set(e,n),n),Xt,Zt,Qt,$t,en,tn,nn=class{constructor(e,t,{defaultValue:n}={defaultValue:void 0}){Jt(this,en),Jt(this,Xt,void 0),Jt(this,Zt,void 0),Jt(this,Qt,void 0),Jt(this,$t,new Set),Yt(this,Xt,e),Yt(this,Zt,t),Yt(this,Qt,new Set(n))}[Symbol.iterator](){return N(this,en,tn).values()}get length(){return N(this,en,tn).size}get value(){return[...N(this,en,tn)].join(` `)??``}set value(e){e!==this.value&&(Yt(this,$t,new Set),this.add(...e?.split(` `)??[]))}toString(){return this.value}item(e){return[...N(this,en,tn)][e]}values(){return N(this,en,tn).values()}forEach(e,t){N(this,en,tn).forEach(e,t)}add(...e){var t;e.forEach(e=>N(this,$t).add(e)),this.value===``&&!N(this,Xt)?.hasAttribute(`${N(this,Zt)}`)||(t=N(this,Xt))==null||t.setAttribute(`${N(this,Zt)}`,`${this.value}`)}remove(...e){var t;e.forEach(e=>N(this,$t).delete(e)),(t=N(this,Xt))==null||t.setAttribute(`${N(this,Zt)}`,`${this.value}`)}contains(e){return N(this,en,tn).has(e)}toggle(e,t){return t===void 0?this.contains(e)?(this.remove(e),!1):(this.add(e),!0):t?(this.add(e),!0):(this.remove(e),!1)}replace(e,t){return this.remove(e),this.add(t),e===t}};Xt=new WeakMap,Zt=new WeakMap,Qt=new WeakMap,$t=new WeakMap,en=new WeakSet,tn=function(){return N(this,$t).size?N(this,$t):N(this,Qt)};function rn(e){return e?.map(an).join(` `)}function an(e){if(e){let{id:t,width:n,height:r}=e;return[t,n,r].filter(e=>e!=null).join(`:`)}}function on(e){return e?.map(sn).join(` `)}function sn(e){if(e){let{id:t,kind:n,language:r,label:i}=e;return[t,n,r,i].filter(e=>e!=null).join(`:`)}}function cn(e){return typeof e==`number`&&!Number.isNaN(e)&&Number.isFinite(e)}var ln=e=>new Promise(t=>setTimeout(t,e)),un=(e=``)=>e.split(/\s+/),dn=(e=``)=>{let[t,n,r]=e.split(`:`),i=r?decodeURIComponent(r):void 0;return{kind:t===`cc`?_.CAPTIONS:_.SUBTITLES,language:n,label:i}},fn=(e=``,t={})=>un(e).map(e=>{let n=dn(e);return{...t,...n}}),pn=e=>e?Array.isArray(e)?e.map(e=>typeof e==`string`?dn(e):e):typeof e==`string`?fn(e):[e]:[],mn=({kind:e,label:t,language:n}={kind:`subtitles`})=>t?`${e===`captions`?`cc`:`sb`}:${n}:${encodeURIComponent(t)}`:n,hn=(e=[])=>Array.prototype.map.call(e,mn).join(` `),gn=(e,t)=>n=>n[e]===t,_n=e=>{let t=Object.entries(e).map(([e,t])=>gn(e,t));return e=>t.every(t=>t(e))},vn=(e,t=[],n=[])=>{let r=pn(n).map(_n);Array.from(t).filter(e=>r.some(t=>t(e))).forEach(t=>{t.mode=e})},yn=(e,t=()=>!0)=>{if(!e?.textTracks)return[];let n=typeof t==`function`?t:_n(t);return Array.from(e.textTracks).filter(n)},bn=e=>!!e.mediaSubtitlesShowing?.length||e.hasAttribute(g.MEDIA_SUBTITLES_SHOWING),xn=e=>{let{media:t,fullscreenElement:n}=e;try{let e=n&&`requestFullscreen`in n?`requestFullscreen`:n&&`webkitRequestFullScreen`in n?`webkitRequestFullScreen`:void 0;if(e){let t=n[e]?.call(n);if(t instanceof Promise)return t.catch(()=>{})}else t?.webkitEnterFullscreen?t.webkitEnterFullscreen():t?.requestFullscreen&&t.requestFullscreen()}catch(e){console.error(e)}},Sn=`exitFullscreen`in f?`exitFullscreen`:`webkitExitFullscreen`in f?`webkitExitFullscreen`:`webkitCancelFullScreen`in f?`webkitCancelFullScreen`:void 0,Cn=e=>{let{documentElement:t}=e;if(Sn){let e=(t?.[Sn])?.call(t);if(e instanceof Promise)return e.catch(()=>{})}},wn=`fullscreenElement`in f?`fullscreenElement`:`webkitFullscreenElement`in f?`webkitFullscreenElement`:void 0,Tn=e=>{let{documentElement:t,media:n}=e,r=t?.[wn];return!r&&`webkitDisplayingFullscreen`in n&&`webkitPresentationMode`in n&&n.webkitDisplayingFullscreen&&n.webkitPresentationMode===ae.FULLSCREEN?n:r},En=e=>{let{media:t,documentElement:n,fullscreenElement:r=t}=e;if(!t||!n)return!1;let i=Tn(e);if(!i)return!1;if(i===r||i===t)return!0;if(i.localName.includes(`-`)){let e=i.shadowRoot;if(!(wn in e))return pe(i,r);for(;e?.[wn];){if(e[wn]===r)return!0;e=e[wn]?.shadowRoot}}return!1},Dn=`fullscreenEnabled`in f?`fullscreenEnabled`:`webkitFullscreenEnabled`in f?`webkitFullscreenEnabled`:void 0,On=e=>{let{documentElement:t,media:n}=e;return!!t?.[Dn]||n&&`webkitSupportsFullscreen`in n},kn,An=()=>{var e;return kn||(kn=((e=f)?.createElement)?.call(e,`video`),kn)},jn=async(e=An())=>{if(!e)return!1;let t=e.volume;e.volume=t/2+.1;let n=new AbortController,r=await Promise.race([Mn(e,n.signal),Nn(e,t)]);return n.abort(),r},Mn=(e,t)=>new Promise(n=>{e.addEventListener(`volumechange`,()=>n(!0),{signal:t})}),Nn=async(e,t)=>{for(let n=0;n<10;n++){if(e.volume===t)return!1;await ln(10)}return e.volume!==t},Pn=/.*Version\/.*Safari\/.*/.test(d.navigator.userAgent),Fn=(e=An())=>d.matchMedia(`(display-mode: standalone)`).matches&&Pn?!1:typeof e?.requestPictureInPicture==`function`,In=(e=An())=>On({documentElement:f,media:e}),Ln=In(),Rn=Fn(),zn=!!d.WebKitPlaybackTargetAvailabilityEvent,Bn=!!d.chrome,Vn=e=>yn(e.media,e=>[_.SUBTITLES,_.CAPTIONS].includes(e.kind)).sort((e,t)=>e.kind>=t.kind?1:-1),Hn=e=>yn(e.media,e=>e.mode===re.SHOWING&&[_.SUBTITLES,_.CAPTIONS].includes(e.kind)),Un=(e,t)=>{let n=Vn(e),r=Hn(e),i=!!r.length;if(n.length){if(t===!1||i&&t!==!0)vn(re.DISABLED,n,r);else if(t===!0||!i&&t!==!1){let t=n[0],{options:i}=e;if(!i?.noSubtitlesLangPref){let e=d.localStorage.getItem(`media-chrome-pref-subtitles-lang`),r=e?[e,...d.navigator.languages]:d.navigator.languages,i=n.filter(e=>r.some(t=>e.language.toLowerCase().startsWith(t.split(`-`)[0]))).sort((e,t)=>r.findIndex(t=>e.language.toLowerCase().startsWith(t.split(`-`)[0]))-r.findIndex(e=>t.language.toLowerCase().startsWith(e.split(`-`)[0])));i[0]&&(t=i[0])}let{language:a,label:o,kind:s}=t;vn(re.DISABLED,n,r),vn(re.SHOWING,n,[{language:a,label:o,kind:s}])}}},Wn=(e,t)=>e===t?!0:e==null||t==null||typeof e!=typeof t?!1:typeof e==`number`&&Number.isNaN(e)&&Number.isNaN(t)?!0:typeof e==`object`?Array.isArray(e)?Gn(e,t):Object.entries(e).every(([e,n])=>e in t&&Wn(n,t[e])):!1,Gn=(e,t)=>{let n=Array.isArray(e),r=Array.isArray(t);return n===r?n||r?e.length===t.length&&e.every((e,n)=>Wn(e,t[n])):!0:!1},Kn=Object.values(y),qn,Jn=jn().then(e=>(qn=e,qn)),Yn=async(...e)=>{await Promise.all(e.filter(e=>e).map(async e=>{if(!(`localName`in e&&e instanceof d.HTMLElement))return;let t=e.localName;if(!t.includes(`-`))return;let n=d.customElements.get(t);n&&e instanceof n||(await d.customElements.whenDefined(t),d.customElements.upgrade(e))}))},Xn=new d.DOMParser,Zn=e=>e&&(Xn.parseFromString(e,`text/html`).body.textContent||e),Qn={mediaError:{get(e,t){let{media:n}=e;if(t?.type!==`playing`)return n?.error},mediaEvents:[`emptied`,`error`,`playing`]},mediaErrorCode:{get(e,t){let{media:n}=e;if(t?.type!==`playing`)return n?.error?.code},mediaEvents:[`emptied`,`error`,`playing`]},mediaErrorMessage:{get(e,t){let{media:n}=e;if(t?.type!==`playing`)return n?.error?.message??``},mediaEvents:[`emptied`,`error`,`playing`]},mediaWidth:{get(e){let{media:t}=e;return t?.videoWidth??0},mediaEvents:[`resize`]},mediaHeight:{get(e){let{media:t}=e;return t?.videoHeight??0},mediaEvents:[`resize`]},mediaPaused:{get(e){let{media:t}=e;return t?.paused??!0},set(e,t){var n;let{media:r}=t;r&&(e?r.pause():(n=r.play())==null||n.catch(()=>{}))},mediaEvents:[`play`,`playing`,`pause`,`emptied`]},mediaHasPlayed:{get(e,t){let{media:n}=e;return n?t?t.type===`playing`:!n.paused:!1},mediaEvents:[`playing`,`emptied`]},mediaEnded:{get(e){let{media:t}=e;return t?.ended??!1},mediaEvents:[`seeked`,`ended`,`emptied`]},mediaPlaybackRate:{get(e){let{media:t}=e;return t?.playbackRate??1},set(e,t){let{media:n}=t;n&&Number.isFinite(+e)&&(n.playbackRate=+e)},mediaEvents:[`ratechange`,`loadstart`]},mediaMuted:{get(e){let{media:t}=e;return t?.muted??!1},set(e,t){let{media:n,options:{noMutedPref:r}={}}=t;if(n){n.muted=e;try{let t=d.localStorage.getItem(`media-chrome-pref-muted`)!==null,i=n.hasAttribute(`muted`);if(r){t&&d.localStorage.removeItem(`media-chrome-pref-muted`);return}if(i&&!t)return;d.localStorage.setItem(`media-chrome-pref-muted`,e?`true`:`false`)}catch(e){console.debug(`Error setting muted pref`,e)}}},mediaEvents:[`volumechange`],stateOwnersUpdateHandlers:[(e,t)=>{let{options:{noMutedPref:n}}=t,{media:r}=t;if(!(!r||r.muted||n))try{let n=d.localStorage.getItem(`media-chrome-pref-muted`)===`true`;Qn.mediaMuted.set(n,t),e(n)}catch(e){console.debug(`Error getting muted pref`,e)}}]},mediaLoop:{get(e){let{media:t}=e;return t?.loop},set(e,t){let{media:n}=t;n&&(n.loop=e)},mediaEvents:[`medialooprequest`]},mediaVolume:{get(e){let{media:t}=e;return t?.volume??1},set(e,t){let{media:n,options:{noVolumePref:r}={}}=t;if(n){try{e==null?d.localStorage.removeItem(`media-chrome-pref-volume`):!n.hasAttribute(`muted`)&&!r&&d.localStorage.setItem(`media-chrome-pref-volume`,e.toString())}catch(e){console.debug(`Error setting volume pref`,e)}Number.isFinite(+e)&&(n.volume=+e)}},mediaEvents:[`volumechange`],stateOwnersUpdateHandlers:[(e,t)=>{let{options:{noVolumePref:n}}=t;if(!n)try{let{media:n}=t;if(!n)return;let r=d.localStorage.getItem(`media-chrome-pref-volume`);if(r==null)return;Qn.mediaVolume.set(+r,t),e(+r)}catch(e){console.debug(`Error getting volume pref`,e)}}]},mediaVolumeLevel:{get(e){let{media:t}=e;return t?.volume===void 0?`high`:t.muted||t.volume===0?`off`:t.volume<.5?`low`:t.volume<.75?`medium`:`high`},mediaEvents:[`volumechange`]},mediaCurrentTime:{get(e){let{media:t}=e;return t?.currentTime??0},set(e,t){let{media:n}=t;n&&cn(e)&&(n.currentTime=e)},mediaEvents:[`timeupdate`,`loadedmetadata`,`seeking`]},mediaDuration:{get(e){let{media:t,options:{defaultDuration:n}={}}=e;return n&&(!t||!t.duration||Number.isNaN(t.duration)||!Number.isFinite(t.duration))?n:Number.isFinite(t?.duration)?t.duration:NaN},mediaEvents:[`durationchange`,`loadedmetadata`,`emptied`]},mediaLoading:{get(e){let{media:t}=e;return t?.readyState<3},mediaEvents:[`waiting`,`playing`,`emptied`]},mediaSeekable:{get(e){let{media:t}=e;if(!t?.seekable?.length)return;let n=t.seekable.start(0),r=t.seekable.end(t.seekable.length-1);if(n||r)return[Number(n.toFixed(3)),Number(r.toFixed(3))]},mediaEvents:[`loadedmetadata`,`emptied`,`progress`,`seekablechange`]},mediaBuffered:{get(e){let{media:t}=e,n=t?.buffered??[];return Array.from(n).map((e,t)=>[Number(n.start(t).toFixed(3)),Number(n.end(t).toFixed(3))])},mediaEvents:[`progress`,`emptied`]},mediaStreamType:{get(e){let{media:t,options:{defaultStreamType:n}={}}=e,r=[y.LIVE,y.ON_DEMAND].includes(n)?n:void 0;if(!t)return r;let{streamType:i}=t;if(Kn.includes(i))return i===y.UNKNOWN?r:i;let a=t.duration;return a===1/0?y.LIVE:Number.isFinite(a)?y.ON_DEMAND:r},mediaEvents:[`emptied`,`durationchange`,`loadedmetadata`,`streamtypechange`]},mediaTargetLiveWindow:{get(e){let{media:t}=e;if(!t)return NaN;let{targetLiveWindow:n}=t,r=Qn.mediaStreamType.get(e);return(n==null||Number.isNaN(n))&&r===y.LIVE?0:n},mediaEvents:[`emptied`,`durationchange`,`loadedmetadata`,`streamtypechange`,`targetlivewindowchange`]},mediaTimeIsLive:{get(e){let{media:t,options:{liveEdgeOffset:n=10}={}}=e;if(!t)return!1;if(typeof t.liveEdgeStart==`number`)return!Number.isNaN(t.liveEdgeStart)&&t.currentTime>=t.liveEdgeStart;if(Qn.mediaStreamType.get(e)!==y.LIVE)return!1;let r=t.seekable;if(!r)return!0;if(!r.length)return!1;let i=r.end(r.length-1)-n;return t.currentTime>=i},mediaEvents:[`playing`,`timeupdate`,`progress`,`waiting`,`emptied`]},mediaSubtitlesList:{get(e){return Vn(e).map(({kind:e,label:t,language:n})=>({kind:e,label:t,language:n}))},mediaEvents:[`loadstart`],textTracksEvents:[`addtrack`,`removetrack`]},mediaSubtitlesShowing:{get(e){return Hn(e).map(({kind:e,label:t,language:n})=>({kind:e,label:t,language:n}))},mediaEvents:[`loadstart`],textTracksEvents:[`addtrack`,`removetrack`,`change`],stateOwnersUpdateHandlers:[(e,t)=>{var n,r;let{media:i,options:a}=t;if(!i)return;let o=e=>{a.defaultSubtitles&&(!e||[_.CAPTIONS,_.SUBTITLES].includes(e?.track?.kind))&&Un(t,!0)};return i.addEventListener(`loadstart`,o),(n=i.textTracks)==null||n.addEventListener(`addtrack`,o),(r=i.textTracks)==null||r.addEventListener(`removetrack`,o),()=>{var e,t;i.removeEventListener(`loadstart`,o),(e=i.textTracks)==null||e.removeEventListener(`addtrack`,o),(t=i.textTracks)==null||t.removeEventListener(`removetrack`,o)}}]},mediaChaptersCues:{get(e){let{media:t}=e;if(!t)return[];let[n]=yn(t,{kind:_.CHAPTERS});return Array.from(n?.cues??[]).map(({text:e,startTime:t,endTime:n})=>({text:Zn(e),startTime:t,endTime:n}))},mediaEvents:[`loadstart`,`loadedmetadata`],textTracksEvents:[`addtrack`,`removetrack`,`change`],stateOwnersUpdateHandlers:[(e,t)=>{let{media:n}=t;if(!n)return;let r=n.querySelector(`track[kind="chapters"][default][src]`),i=n.shadowRoot?.querySelector(`:is(video,audio) > track[kind="chapters"][default][src]`);return r?.addEventListener(`load`,e),i?.addEventListener(`load`,e),()=>{r?.removeEventListener(`load`,e),i?.removeEventListener(`load`,e)}}]},mediaIsPip:{get(e){let{media:t,documentElement:n}=e;if(!t||!n||!n.pictureInPictureElement)return!1;if(n.pictureInPictureElement===t)return!0;if(n.pictureInPictureElement instanceof HTMLMediaElement)return t.localName?.includes(`-`)?pe(t,n.pictureInPictureElement):!1;if(n.pictureInPictureElement.localName.includes(`-`)){let e=n.pictureInPictureElement.shadowRoot;for(;e?.pictureInPictureElement;){if(e.pictureInPictureElement===t)return!0;e=e.pictureInPictureElement?.shadowRoot}}return!1},set(e,t){let{media:n}=t;if(n){if(e){if(!f.pictureInPictureEnabled){console.warn(`MediaChrome: Picture-in-picture is not enabled`);return}if(!n.requestPictureInPicture){console.warn(`MediaChrome: The current media does not support picture-in-picture`);return}let e=()=>{console.warn(`MediaChrome: The media is not ready for picture-in-picture. It must have a readyState > 0.`)};n.requestPictureInPicture().catch(t=>{if(t.code===11){if(!n.src){console.warn(`MediaChrome: The media is not ready for picture-in-picture. It must have a src set.`);return}if(n.readyState===0&&n.preload===`none`){let t=()=>{n.removeEventListener(`loadedmetadata`,r),n.preload=`none`},r=()=>{n.requestPictureInPicture().catch(e),t()};n.addEventListener(`loadedmetadata`,r),n.preload=`metadata`,setTimeout(()=>{n.readyState===0&&e(),t()},1e3)}else throw t}else throw t})}else f.pictureInPictureElement&&f.exitPictureInPicture()}},mediaEvents:[`enterpictureinpicture`,`leavepictureinpicture`]},mediaRenditionList:{get(e){let{media:t}=e;return[...t?.videoRenditions??[]].map(e=>({...e}))},mediaEvents:[`emptied`,`loadstart`],videoRenditionsEvents:[`addrendition`,`removerendition`]},mediaRenditionSelected:{get(e){let{media:t}=e;return t?.videoRenditions?.[t.videoRenditions?.selectedIndex]?.id},set(e,t){let{media:n}=t;if(!n?.videoRenditions){console.warn(`MediaController: Rendition selection not supported by this media.`);return}let r=e,i=Array.prototype.findIndex.call(n.videoRenditions,e=>e.id==r);n.videoRenditions.selectedIndex!=i&&(n.videoRenditions.selectedIndex=i)},mediaEvents:[`emptied`],videoRenditionsEvents:[`addrendition`,`removerendition`,`change`]},mediaAudioTrackList:{get(e){let{media:t}=e;return[...t?.audioTracks??[]]},mediaEvents:[`emptied`,`loadstart`],audioTracksEvents:[`addtrack`,`removetrack`]},mediaAudioTrackEnabled:{get(e){let{media:t}=e;return[...t?.audioTracks??[]].find(e=>e.enabled)?.id},set(e,t){let{media:n}=t;if(!n?.audioTracks){console.warn(`MediaChrome: Audio track selection not supported by this media.`);return}let r=e;for(let e of n.audioTracks)e.enabled=r==e.id},mediaEvents:[`emptied`],audioTracksEvents:[`addtrack`,`removetrack`,`change`]},mediaIsFullscreen:{get(e){return En(e)},set(e,t,n){var r;e?(xn(t),n.detail&&!t.media?.inert&&((r=t.media)==null||r.focus())):Cn(t)},rootEvents:[`fullscreenchange`,`webkitfullscreenchange`],mediaEvents:[`webkitbeginfullscreen`,`webkitendfullscreen`,`webkitpresentationmodechanged`]},mediaIsCasting:{get(e){let{media:t}=e;return!t?.remote||t.remote?.state===`disconnected`?!1:t.remote.state===`connected`},set(e,t){let{media:n}=t;n&&(e&&n.remote?.state!==`disconnected`||(e||n.remote?.state===`connected`)&&(typeof n.remote.prompt==`function`?n.remote.prompt().catch(()=>{}):console.warn(`MediaChrome: Casting is not supported in this environment`)))},remoteEvents:[`connect`,`connecting`,`disconnect`]},mediaIsAirplaying:{get(){return!1},set(e,t){let{media:n}=t;n&&(n.webkitShowPlaybackTargetPicker&&d.WebKitPlaybackTargetAvailabilityEvent?n.webkitShowPlaybackTargetPicker():console.error(`MediaChrome: received a request to select AirPlay but AirPlay is not supported in this environment`))},mediaEvents:[`webkitcurrentplaybacktargetiswirelesschanged`]},mediaFullscreenUnavailable:{get(e){let{media:t}=e;if(!Ln||!In(t))return v.UNSUPPORTED}},mediaPipUnavailable:{get(e){let{media:t}=e;if(!Rn||!Fn(t))return v.UNSUPPORTED;if(t?.disablePictureInPicture)return v.UNAVAILABLE}},mediaVolumeUnavailable:{get(e){let{media:t}=e;if(qn===!1||t?.volume==null)return v.UNSUPPORTED},stateOwnersUpdateHandlers:[e=>{qn??Jn.then(t=>e(t?void 0:v.UNSUPPORTED))}]},mediaCastUnavailable:{get(e,{availability:t=`not-available`}={}){let{media:n}=e;if(!Bn||!n?.remote?.state)return v.UNSUPPORTED;if(t!=null&&t!==`available`)return v.UNAVAILABLE},stateOwnersUpdateHandlers:[(e,t)=>{var n;let{media:r}=t;if(r)return r.disableRemotePlayback||r.hasAttribute(`disableremoteplayback`)||(n=r?.remote)==null||n.watchAvailability(t=>{e({availability:t?`available`:`not-available`})}).catch(t=>{t.name===`NotSupportedError`?e({availability:null}):e({availability:`not-available`})}),()=>{var e;(e=r?.remote)==null||e.cancelWatchAvailability().catch(()=>{})}}]},mediaAirplayUnavailable:{get(e,t){if(!zn)return v.UNSUPPORTED;if(t?.availability===`not-available`)return v.UNAVAILABLE},mediaEvents:[`webkitplaybacktargetavailabilitychanged`],stateOwnersUpdateHandlers:[(e,t)=>{var n;let{media:r}=t;if(r)return r.disableRemotePlayback||r.hasAttribute(`disableremoteplayback`)||(n=r?.remote)==null||n.watchAvailability(t=>{e({availability:t?`available`:`not-available`})}).catch(t=>{t.name===`NotSupportedError`?e({availability:null}):e({availability:`not-available`})}),()=>{var e;(e=r?.remote)==null||e.cancelWatchAvailability().catch(()=>{})}}]},mediaRenditionUnavailable:{get(e){let{media:t}=e;if(!t?.videoRenditions)return v.UNSUPPORTED;if(!t.videoRenditions?.length)return v.UNAVAILABLE},mediaEvents:[`emptied`,`loadstart`],videoRenditionsEvents:[`addrendition`,`removerendition`]},mediaAudioTrackUnavailable:{get(e){let{media:t}=e;if(!t?.audioTracks)return v.UNSUPPORTED;if((t.audioTracks?.length??0)<=1)return v.UNAVAILABLE},mediaEvents:[`emptied`,`loadstart`],audioTracksEvents:[`addtrack`,`removetrack`]},mediaLang:{get(e){let{options:{mediaLang:t}={}}=e;return t??`en`}}},$n={[p.MEDIA_PREVIEW_REQUEST](e,t,{detail:n}){let{media:r}=t,i=n??void 0,a,o;if(r&&i!=null){let[e]=yn(r,{kind:_.METADATA,label:`thumbnails`}),t=Array.prototype.find.call(e?.cues??[],(e,t,n)=>t===0?e.endTime>i:t===n.length-1?e.startTime<=i:e.startTime<=i&&e.endTime>i);if(t){let e=/'^(?:[a-z]+:)?\/\//i.test(t.text)?void 0:r?.querySelector(`track[label="thumbnails"]`)?.src,n=new URL(t.text,e);o=new URLSearchParams(n.hash).get(`#xywh`).split(`,`).map(e=>+e),a=n.href}}let s=e.mediaDuration.get(t),c=e.mediaChaptersCues.get(t).find((e,t,n)=>t===n.length-1&&s===e.endTime?e.startTime<=i&&e.endTime>=i:e.startTime<=i&&e.endTime>i)?.text;return n!=null&&c==null&&(c=``),{mediaPreviewTime:i,mediaPreviewImage:a,mediaPreviewCoords:o,mediaPreviewChapter:c}},[p.MEDIA_PAUSE_REQUEST](e,t){e.mediaPaused.set(!0,t)},[p.MEDIA_PLAY_REQUEST](e,t){let n=e.mediaStreamType.get(t)===y.LIVE,r=!t.options?.noAutoSeekToLive,i=e.mediaTargetLiveWindow.get(t)>0;if(n&&r&&!i){let n=e.mediaSeekable.get(t)?.[1];if(n){let r=n-(t.options?.seekToLiveOffset??0);e.mediaCurrentTime.set(r,t)}}e.mediaPaused.set(!1,t)},[p.MEDIA_PLAYBACK_RATE_REQUEST](e,t,{detail:n}){let r=n;e.mediaPlaybackRate.set(r,t)},[p.MEDIA_MUTE_REQUEST](e,t){e.mediaMuted.set(!0,t)},[p.MEDIA_UNMUTE_REQUEST](e,t){e.mediaVolume.get(t)||e.mediaVolume.set(.25,t),e.mediaMuted.set(!1,t)},[p.MEDIA_LOOP_REQUEST](e,t,{detail:n}){let r=!!n;return e.mediaLoop.set(r,t),{mediaLoop:r}},[p.MEDIA_VOLUME_REQUEST](e,t,{detail:n}){let r=n;r&&e.mediaMuted.get(t)&&e.mediaMuted.set(!1,t),e.mediaVolume.set(r,t)},[p.MEDIA_SEEK_REQUEST](e,t,{detail:n}){let r=n;e.mediaCurrentTime.set(r,t)},[p.MEDIA_SEEK_TO_LIVE_REQUEST](e,t){let n=e.mediaSeekable.get(t)?.[1];if(Number.isNaN(Number(n)))return;let r=n-(t.options?.seekToLiveOffset??0);e.mediaCurrentTime.set(r,t)},[p.MEDIA_SHOW_SUBTITLES_REQUEST](e,t,{detail:n}){let{options:r}=t,i=Vn(t),a=pn(n),o=a[0]?.language;o&&!r.noSubtitlesLangPref&&d.localStorage.setItem(`media-chrome-pref-subtitles-lang`,o),vn(re.SHOWING,i,a)},[p.MEDIA_DISABLE_SUBTITLES_REQUEST](e,t,{detail:n}){let r=Vn(t),i=n??[];vn(re.DISABLED,r,i)},[p.MEDIA_TOGGLE_SUBTITLES_REQUEST](e,t,{detail:n}){Un(t,n)},[p.MEDIA_RENDITION_REQUEST](e,t,{detail:n}){let r=n;e.mediaRenditionSelected.set(r,t)},[p.MEDIA_AUDIO_TRACK_REQUEST](e,t,{detail:n}){let r=n;e.mediaAudioTrackEnabled.set(r,t)},[p.MEDIA_ENTER_PIP_REQUEST](e,t){e.mediaIsFullscreen.get(t)&&e.mediaIsFullscreen.set(!1,t),e.mediaIsPip.set(!0,t)},[p.MEDIA_EXIT_PIP_REQUEST](e,t){e.mediaIsPip.set(!1,t)},[p.MEDIA_ENTER_FULLSCREEN_REQUEST](e,t,n){e.mediaIsPip.get(t)&&e.mediaIsPip.set(!1,t),e.mediaIsFullscreen.set(!0,t,n)},[p.MEDIA_EXIT_FULLSCREEN_REQUEST](e,t){e.mediaIsFullscreen.set(!1,t)},[p.MEDIA_ENTER_CAST_REQUEST](e,t){e.mediaIsFullscreen.get(t)&&e.mediaIsFullscreen.set(!1,t),e.mediaIsCasting.set(!0,t)},[p.MEDIA_EXIT_CAST_REQUEST](e,t){e.mediaIsCasting.set(!1,t)},[p.MEDIA_AIRPLAY_REQUEST](e,t){e.mediaIsAirplaying.set(!0,t)}},er=({media:e,fullscreenElement:t,documentElement:n,stateMediator:r=Qn,requestMap:i=$n,options:a={},monitorStateOwnersOnlyWithSubscriptions:o=!0})=>{let s=[],c={options:{...a}},l=Object.freeze({mediaPreviewTime:void 0,mediaPreviewImage:void 0,mediaPreviewCoords:void 0,mediaPreviewChapter:void 0}),u=e=>{e!=null&&(Wn(e,l)||(l=Object.freeze({...l,...e}),s.forEach(e=>e(l))))},d=()=>{let e=Object.entries(r).reduce((e,[t,{get:n}])=>(e[t]=n(c),e),{});u(e)},f={},p,m=async(e,t)=>{let n=!!p;if(p={...c,...p??{},...e},n)return;await Yn(...Object.values(e));let i=s.length>0&&t===0&&o,a=c.media!==p.media,l=c.media?.textTracks!==p.media?.textTracks,m=c.media?.videoRenditions!==p.media?.videoRenditions,h=c.media?.audioTracks!==p.media?.audioTracks,ee=c.media?.remote!==p.media?.remote,g=c.documentElement!==p.documentElement,te=!!c.media&&(a||i),ne=!!c.media?.textTracks&&(l||i),_=!!c.media?.videoRenditions&&(m||i),re=!!c.media?.audioTracks&&(h||i),ie=!!c.media?.remote&&(ee||i),v=!!c.documentElement&&(g||i),y=te||ne||_||re||ie||v,ae=s.length===0&&t===1&&o,oe=!!p.media&&(a||ae),se=!!p.media?.textTracks&&(l||ae),ce=!!p.media?.videoRenditions&&(m||ae),le=!!p.media?.audioTracks&&(h||ae),ue=!!p.media?.remote&&(ee||ae),b=!!p.documentElement&&(g||ae),de=oe||se||ce||le||ue||b;y||de?(Object.entries(r).forEach(([e,{get:t,mediaEvents:n=[],textTracksEvents:r=[],videoRenditionsEvents:i=[],audioTracksEvents:a=[],remoteEvents:o=[],rootEvents:s=[],stateOwnersUpdateHandlers:l=[]}])=>{f[e]||(f[e]={});let d=n=>{let r=t(c,n);u({[e]:r})},m;m=f[e].mediaEvents,n.forEach(t=>{m&&te&&(c.media.removeEventListener(t,m),f[e].mediaEvents=void 0),oe&&(p.media.addEventListener(t,d),f[e].mediaEvents=d)}),m=f[e].textTracksEvents,r.forEach(t=>{var n,r;m&&ne&&((n=c.media.textTracks)==null||n.removeEventListener(t,m),f[e].textTracksEvents=void 0),se&&((r=p.media.textTracks)==null||r.addEventListener(t,d),f[e].textTracksEvents=d)}),m=f[e].videoRenditionsEvents,i.forEach(t=>{var n,r;m&&_&&((n=c.media.videoRenditions)==null||n.removeEventListener(t,m),f[e].videoRenditionsEvents=void 0),ce&&((r=p.media.videoRenditions)==null||r.addEventListener(t,d),f[e].videoRenditionsEvents=d)}),m=f[e].audioTracksEvents,a.forEach(t=>{var n,r;m&&re&&((n=c.media.audioTracks)==null||n.removeEventListener(t,m),f[e].audioTracksEvents=void 0),le&&((r=p.media.audioTracks)==null||r.addEventListener(t,d),f[e].audioTracksEvents=d)}),m=f[e].remoteEvents,o.forEach(t=>{var n,r;m&&ie&&((n=c.media.remote)==null||n.removeEventListener(t,m),f[e].remoteEvents=void 0),ue&&((r=p.media.remote)==null||r.addEventListener(t,d),f[e].remoteEvents=d)}),m=f[e].rootEvents,s.forEach(t=>{m&&v&&(c.documentElement.removeEventListener(t,m),f[e].rootEvents=void 0),b&&(p.documentElement.addEventListener(t,d),f[e].rootEvents=d)});let h=f[e].stateOwnersUpdateHandlers;if(h&&y&&(Array.isArray(h)?h:[h]).forEach(e=>{typeof e==`function`&&e()}),de){let t=l.map(e=>e(d,p)).filter(e=>typeof e==`function`);f[e].stateOwnersUpdateHandlers=t.length===1?t[0]:t}else y&&(f[e].stateOwnersUpdateHandlers=void 0)}),Object.entries(p).forEach(([e,t])=>{c[e]=t}),d(),p=void 0):(Object.entries(p).forEach(([e,t])=>{c[e]=t}),d(),p=void 0)};return m({media:e,fullscreenElement:t,documentElement:n,options:a}),{dispatch(e){let{type:t,detail:n}=e;i[t]&&l.mediaErrorCode==null?u(i[t](r,c,e)):t===`mediaelementchangerequest`?m({media:n}):t===`fullscreenelementchangerequest`?m({fullscreenElement:n}):t===`documentelementchangerequest`?m({documentElement:n}):t===`optionschangerequest`&&(Object.entries(n??{}).forEach(([e,t])=>{c.options[e]=t}),d())},getState(){return l},subscribe(e){return m({},s.length+1),s.push(e),e(l),()=>{let t=s.indexOf(e);t>=0&&(m({},s.length-1),s.splice(t,1))}}}},tr=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},P=(e,t,n)=>(tr(e,t,`read from private field`),n?n.call(e):t.get(e)),F=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},nr=(e,t,n,r)=>(tr(e,t,`write to private field`),r?r.call(e,n):t.set(e,n),n),rr=(e,t,n)=>(tr(e,t,`access private method`),n),ir,ar,I,L,or,sr,cr,lr,ur,dr,fr,pr,mr,hr,gr,_r,vr,yr=[`ArrowLeft`,`ArrowRight`,`ArrowUp`,`ArrowDown`,`Enter`,` `,`f`,`m`,`k`,`c`,`l`,`j`,`>`,`<`,`p`],br=10,xr=.025,Sr=.25,Cr=.25,wr=2,R={DEFAULT_SUBTITLES:`defaultsubtitles`,DEFAULT_STREAM_TYPE:`defaultstreamtype`,DEFAULT_DURATION:`defaultduration`,FULLSCREEN_ELEMENT:`fullscreenelement`,HOTKEYS:`hotkeys`,KEYBOARD_BACKWARD_SEEK_OFFSET:`keyboardbackwardseekoffset`,KEYBOARD_FORWARD_SEEK_OFFSET:`keyboardforwardseekoffset`,KEYBOARD_DOWN_VOLUME_STEP:`keyboarddownvolumestep`,KEYBOARD_UP_VOLUME_STEP:`keyboardupvolumestep`,KEYS_USED:`keysused`,LANG:`lang`,LOOP:`loop`,LIVE_EDGE_OFFSET:`liveedgeoffset`,NO_AUTO_SEEK_TO_LIVE:`noautoseektolive`,NO_DEFAULT_STORE:`nodefaultstore`,NO_HOTKEYS:`nohotkeys`,NO_MUTED_PREF:`nomutedpref`,NO_SUBTITLES_LANG_PREF:`nosubtitleslangpref`,NO_VOLUME_PREF:`novolumepref`,SEEK_TO_LIVE_OFFSET:`seektoliveoffset`},Tr=class extends ut{constructor(){super(),F(this,ur),F(this,pr),F(this,hr),F(this,_r),this.mediaStateReceivers=[],this.associatedElementSubscriptions=new Map,F(this,ir,new nn(this,R.HOTKEYS)),F(this,ar,void 0),F(this,I,void 0),F(this,L,null),F(this,or,void 0),F(this,sr,void 0),F(this,cr,e=>{var t;(t=P(this,I))==null||t.dispatch(e)}),F(this,lr,void 0),F(this,fr,e=>{let{key:t,shiftKey:n}=e;n&&(t===`/`||t===`?`)||yr.includes(t)?this.keyboardShortcutHandler(e):this.removeEventListener(`keyup`,P(this,fr))}),this.associateElement(this);let e={};nr(this,or,t=>{Object.entries(t).forEach(([t,n])=>{if(t in e&&e[t]===n)return;this.propagateMediaState(t,n);let r=t.toLowerCase(),i=new d.CustomEvent(ne[r],{composed:!0,detail:n});this.dispatchEvent(i)}),e=t})}static get observedAttributes(){return super.observedAttributes.concat(R.NO_HOTKEYS,R.HOTKEYS,R.DEFAULT_STREAM_TYPE,R.DEFAULT_SUBTITLES,R.DEFAULT_DURATION,R.NO_MUTED_PREF,R.NO_VOLUME_PREF,R.LANG,R.LOOP,R.LIVE_EDGE_OFFSET,R.SEEK_TO_LIVE_OFFSET,R.NO_AUTO_SEEK_TO_LIVE)}get mediaStore(){return P(this,I)}set mediaStore(e){var t;P(this,I)&&((t=P(this,sr))==null||t.call(this),nr(this,sr,void 0)),nr(this,I,e),!P(this,I)&&!this.hasAttribute(R.NO_DEFAULT_STORE)?rr(this,ur,dr).call(this):nr(this,sr,P(this,I)?.subscribe(P(this,or)))}get fullscreenElement(){return P(this,ar)??this}set fullscreenElement(e){var t;this.hasAttribute(R.FULLSCREEN_ELEMENT)&&this.removeAttribute(R.FULLSCREEN_ELEMENT),nr(this,ar,e),(t=P(this,I))==null||t.dispatch({type:`fullscreenelementchangerequest`,detail:this.fullscreenElement})}get defaultSubtitles(){return w(this,R.DEFAULT_SUBTITLES)}set defaultSubtitles(e){T(this,R.DEFAULT_SUBTITLES,e)}get defaultStreamType(){return E(this,R.DEFAULT_STREAM_TYPE)}set defaultStreamType(e){D(this,R.DEFAULT_STREAM_TYPE,e)}get defaultDuration(){return S(this,R.DEFAULT_DURATION)}set defaultDuration(e){C(this,R.DEFAULT_DURATION,e)}get noHotkeys(){return w(this,R.NO_HOTKEYS)}set noHotkeys(e){T(this,R.NO_HOTKEYS,e)}get keysUsed(){return E(this,R.KEYS_USED)}set keysUsed(e){D(this,R.KEYS_USED,e)}get liveEdgeOffset(){return S(this,R.LIVE_EDGE_OFFSET)}set liveEdgeOffset(e){C(this,R.LIVE_EDGE_OFFSET,e)}get noAutoSeekToLive(){return w(this,R.NO_AUTO_SEEK_TO_LIVE)}set noAutoSeekToLive(e){T(this,R.NO_AUTO_SEEK_TO_LIVE,e)}get noVolumePref(){return w(this,R.NO_VOLUME_PREF)}set noVolumePref(e){T(this,R.NO_VOLUME_PREF,e)}get noMutedPref(){return w(this,R.NO_MUTED_PREF)}set noMutedPref(e){T(this,R.NO_MUTED_PREF,e)}get noSubtitlesLangPref(){return w(this,R.NO_SUBTITLES_LANG_PREF)}set noSubtitlesLangPref(e){T(this,R.NO_SUBTITLES_LANG_PREF,e)}get noDefaultStore(){return w(this,R.NO_DEFAULT_STORE)}set noDefaultStore(e){T(this,R.NO_DEFAULT_STORE,e)}get resolvedLang(){return Ne()}attributeChangedCallback(e,t,n){var r,i,a,o,s,c,l,u,d,f;if(super.attributeChangedCallback(e,t,n),e===R.NO_HOTKEYS)n!==t&&n===``?(this.hasAttribute(R.HOTKEYS)&&console.warn("Media Chrome: Both `hotkeys` and `nohotkeys` have been set. All hotkeys will be disabled."),this.disableHotkeys()):n!==t&&n===null&&this.enableHotkeys(),rr(this,hr,gr).call(this);else if(e===R.HOTKEYS)P(this,ir).value=n,rr(this,hr,gr).call(this);else if(e===R.DEFAULT_SUBTITLES&&n!==t)(r=P(this,I))==null||r.dispatch({type:`optionschangerequest`,detail:{defaultSubtitles:this.hasAttribute(R.DEFAULT_SUBTITLES)}});else if(e===R.DEFAULT_STREAM_TYPE)(i=P(this,I))==null||i.dispatch({type:`optionschangerequest`,detail:{defaultStreamType:this.getAttribute(R.DEFAULT_STREAM_TYPE)??void 0}});else if(e===R.LIVE_EDGE_OFFSET&&n!==t)(a=P(this,I))==null||a.dispatch({type:`optionschangerequest`,detail:{liveEdgeOffset:this.hasAttribute(R.LIVE_EDGE_OFFSET)?+this.getAttribute(R.LIVE_EDGE_OFFSET):void 0,seekToLiveOffset:this.hasAttribute(R.SEEK_TO_LIVE_OFFSET)?+this.getAttribute(R.SEEK_TO_LIVE_OFFSET):this.hasAttribute(R.LIVE_EDGE_OFFSET)?+this.getAttribute(R.LIVE_EDGE_OFFSET):void 0}});else if(e===R.SEEK_TO_LIVE_OFFSET&&n!==t)(o=P(this,I))==null||o.dispatch({type:`optionschangerequest`,detail:{seekToLiveOffset:this.hasAttribute(R.SEEK_TO_LIVE_OFFSET)?+this.getAttribute(R.SEEK_TO_LIVE_OFFSET):this.hasAttribute(R.LIVE_EDGE_OFFSET)?+this.getAttribute(R.LIVE_EDGE_OFFSET):void 0}});else if(e===R.NO_AUTO_SEEK_TO_LIVE)(s=P(this,I))==null||s.dispatch({type:`optionschangerequest`,detail:{noAutoSeekToLive:this.hasAttribute(R.NO_AUTO_SEEK_TO_LIVE)}});else if(e===R.FULLSCREEN_ELEMENT){let e=n?this.getRootNode()?.getElementById(n):void 0;nr(this,ar,e),(c=P(this,I))==null||c.dispatch({type:`fullscreenelementchangerequest`,detail:this.fullscreenElement})}else e===R.LANG&&n!==t?(je(n),(l=P(this,I))==null||l.dispatch({type:`optionschangerequest`,detail:{mediaLang:n}})):e===R.LOOP&&n!==t?(u=P(this,I))==null||u.dispatch({type:p.MEDIA_LOOP_REQUEST,detail:n!=null}):e===R.NO_VOLUME_PREF&&n!==t?(d=P(this,I))==null||d.dispatch({type:`optionschangerequest`,detail:{noVolumePref:this.hasAttribute(R.NO_VOLUME_PREF)}}):e===R.NO_MUTED_PREF&&n!==t&&((f=P(this,I))==null||f.dispatch({type:`optionschangerequest`,detail:{noMutedPref:this.hasAttribute(R.NO_MUTED_PREF)}}))}connectedCallback(){var e,t;this.associateElement(this),!P(this,I)&&!this.hasAttribute(R.NO_DEFAULT_STORE)&&rr(this,ur,dr).call(this),(e=P(this,I))==null||e.dispatch({type:`documentelementchangerequest`,detail:f}),(t=P(this,I))==null||t.dispatch({type:`fullscreenelementchangerequest`,detail:this.fullscreenElement}),super.connectedCallback(),P(this,I)&&!P(this,sr)&&nr(this,sr,P(this,I)?.subscribe(P(this,or))),P(this,lr)!==void 0&&P(this,I)&&this.media&&setTimeout(()=>{var e;this.media?.textTracks?.length&&((e=P(this,I))==null||e.dispatch({type:p.MEDIA_TOGGLE_SUBTITLES_REQUEST,detail:P(this,lr)}))},0),this.hasAttribute(R.NO_HOTKEYS)?this.disableHotkeys():this.enableHotkeys()}disconnectedCallback(){var e,t,n,r,i;if((e=super.disconnectedCallback)==null||e.call(this),this.disableHotkeys(),P(this,I)){let e=P(this,I).getState();nr(this,lr,!!e.mediaSubtitlesShowing?.length),(t=P(this,I))==null||t.dispatch({type:`fullscreenelementchangerequest`,detail:void 0}),(n=P(this,I))==null||n.dispatch({type:`documentelementchangerequest`,detail:void 0}),(r=P(this,I))==null||r.dispatch({type:p.MEDIA_TOGGLE_SUBTITLES_REQUEST,detail:!1})}P(this,sr)&&((i=P(this,sr))==null||i.call(this),nr(this,sr,void 0)),this.unassociateElement(this),P(this,L)&&(P(this,L).remove(),nr(this,L,null))}mediaSetCallback(e){var t;super.mediaSetCallback(e),(t=P(this,I))==null||t.dispatch({type:`mediaelementchangerequest`,detail:e}),e.hasAttribute(`tabindex`)||(e.tabIndex=-1)}mediaUnsetCallback(e){var t;super.mediaUnsetCallback(e),(t=P(this,I))==null||t.dispatch({type:`mediaelementchangerequest`,detail:void 0})}propagateMediaState(e,t){Ir(this.mediaStateReceivers,e,t)}associateElement(e){if(!e)return;let{associatedElementSubscriptions:t}=this;if(t.has(e))return;let n=Lr(e,this.registerMediaStateReceiver.bind(this),this.unregisterMediaStateReceiver.bind(this));Object.values(p).forEach(t=>{e.addEventListener(t,P(this,cr))}),t.set(e,n)}unassociateElement(e){if(!e)return;let{associatedElementSubscriptions:t}=this;t.has(e)&&(t.get(e)(),t.delete(e),Object.values(p).forEach(t=>{e.removeEventListener(t,P(this,cr))}))}registerMediaStateReceiver(e){if(!e)return;let t=this.mediaStateReceivers;t.indexOf(e)>-1||(t.push(e),P(this,I)&&Object.entries(P(this,I).getState()).forEach(([t,n])=>{Ir([e],t,n)}))}unregisterMediaStateReceiver(e){let t=this.mediaStateReceivers,n=t.indexOf(e);n<0||t.splice(n,1)}enableHotkeys(){this.addEventListener(`keydown`,rr(this,pr,mr))}disableHotkeys(){this.removeEventListener(`keydown`,rr(this,pr,mr)),this.removeEventListener(`keyup`,P(this,fr))}get hotkeys(){return P(this,ir)}set hotkeys(e){D(this,R.HOTKEYS,e)}keyboardShortcutHandler(e){let t=e.target;if((t.getAttribute(R.KEYS_USED)?.split(` `)??t?.keysUsed??[]).map(e=>e===`Space`?` `:e).filter(Boolean).includes(e.key))return;let n,r,i;if(!P(this,ir).contains(Ht(e.key))&&(!e.shiftKey||e.key!==`/`&&e.key!==`?`||!P(this,ir).contains(`noshift+/`)))switch(e.key){case` `:case`k`:n=P(this,I).getState().mediaPaused?p.MEDIA_PLAY_REQUEST:p.MEDIA_PAUSE_REQUEST,this.dispatchEvent(new d.CustomEvent(n,{composed:!0,bubbles:!0}));break;case`m`:n=this.mediaStore.getState().mediaVolumeLevel===`off`?p.MEDIA_UNMUTE_REQUEST:p.MEDIA_MUTE_REQUEST,this.dispatchEvent(new d.CustomEvent(n,{composed:!0,bubbles:!0}));break;case`f`:n=this.mediaStore.getState().mediaIsFullscreen?p.MEDIA_EXIT_FULLSCREEN_REQUEST:p.MEDIA_ENTER_FULLSCREEN_REQUEST,this.dispatchEvent(new d.CustomEvent(n,{composed:!0,bubbles:!0}));break;case`c`:this.dispatchEvent(new d.CustomEvent(p.MEDIA_TOGGLE_SUBTITLES_REQUEST,{composed:!0,bubbles:!0}));break;case`ArrowLeft`:case`j`:{let e=this.hasAttribute(R.KEYBOARD_BACKWARD_SEEK_OFFSET)?+this.getAttribute(R.KEYBOARD_BACKWARD_SEEK_OFFSET):br;r=Math.max((this.mediaStore.getState().mediaCurrentTime??0)-e,0),i=new d.CustomEvent(p.MEDIA_SEEK_REQUEST,{composed:!0,bubbles:!0,detail:r}),this.dispatchEvent(i);break}case`ArrowRight`:case`l`:{let e=this.hasAttribute(R.KEYBOARD_FORWARD_SEEK_OFFSET)?+this.getAttribute(R.KEYBOARD_FORWARD_SEEK_OFFSET):br;r=Math.max((this.mediaStore.getState().mediaCurrentTime??0)+e,0),i=new d.CustomEvent(p.MEDIA_SEEK_REQUEST,{composed:!0,bubbles:!0,detail:r}),this.dispatchEvent(i);break}case`ArrowUp`:{let e=this.hasAttribute(R.KEYBOARD_UP_VOLUME_STEP)?+this.getAttribute(R.KEYBOARD_UP_VOLUME_STEP):xr;r=Math.min((this.mediaStore.getState().mediaVolume??1)+e,1),i=new d.CustomEvent(p.MEDIA_VOLUME_REQUEST,{composed:!0,bubbles:!0,detail:r}),this.dispatchEvent(i);break}case`ArrowDown`:{let e=this.hasAttribute(R.KEYBOARD_DOWN_VOLUME_STEP)?+this.getAttribute(R.KEYBOARD_DOWN_VOLUME_STEP):xr;r=Math.max((this.mediaStore.getState().mediaVolume??1)-e,0),i=new d.CustomEvent(p.MEDIA_VOLUME_REQUEST,{composed:!0,bubbles:!0,detail:r}),this.dispatchEvent(i);break}case`<`:{let e=this.mediaStore.getState().mediaPlaybackRate??1;r=Math.max(e-Sr,Cr).toFixed(2),i=new d.CustomEvent(p.MEDIA_PLAYBACK_RATE_REQUEST,{composed:!0,bubbles:!0,detail:r}),this.dispatchEvent(i);break}case`>`:{let e=this.mediaStore.getState().mediaPlaybackRate??1;r=Math.min(e+Sr,wr).toFixed(2),i=new d.CustomEvent(p.MEDIA_PLAYBACK_RATE_REQUEST,{composed:!0,bubbles:!0,detail:r}),this.dispatchEvent(i);break}case`/`:case`?`:e.shiftKey&&rr(this,_r,vr).call(this);break;case`p`:n=this.mediaStore.getState().mediaIsPip?p.MEDIA_EXIT_PIP_REQUEST:p.MEDIA_ENTER_PIP_REQUEST,i=new d.CustomEvent(n,{composed:!0,bubbles:!0}),this.dispatchEvent(i)}}};ir=new WeakMap,ar=new WeakMap,I=new WeakMap,L=new WeakMap,or=new WeakMap,sr=new WeakMap,cr=new WeakMap,lr=new WeakMap,ur=new WeakSet,dr=function(){this.mediaStore=er({media:this.media,fullscreenElement:this.fullscreenElement,options:{defaultSubtitles:this.hasAttribute(R.DEFAULT_SUBTITLES),defaultDuration:this.hasAttribute(R.DEFAULT_DURATION)?+this.getAttribute(R.DEFAULT_DURATION):void 0,defaultStreamType:this.getAttribute(R.DEFAULT_STREAM_TYPE)??void 0,liveEdgeOffset:this.hasAttribute(R.LIVE_EDGE_OFFSET)?+this.getAttribute(R.LIVE_EDGE_OFFSET):void 0,seekToLiveOffset:this.hasAttribute(R.SEEK_TO_LIVE_OFFSET)?+this.getAttribute(R.SEEK_TO_LIVE_OFFSET):this.hasAttribute(R.LIVE_EDGE_OFFSET)?+this.getAttribute(R.LIVE_EDGE_OFFSET):void 0,noAutoSeekToLive:this.hasAttribute(R.NO_AUTO_SEEK_TO_LIVE),noVolumePref:this.hasAttribute(R.NO_VOLUME_PREF),noMutedPref:this.hasAttribute(R.NO_MUTED_PREF),noSubtitlesLangPref:this.hasAttribute(R.NO_SUBTITLES_LANG_PREF)}})},fr=new WeakMap,pr=new WeakSet,mr=function(e){let{metaKey:t,altKey:n,key:r,shiftKey:i}=e,a=i&&(r===`/`||r===`?`);if(a&&P(this,L)?.open||t||n||!a&&!yr.includes(r)){this.removeEventListener(`keyup`,P(this,fr));return}let o=e.target,s=o instanceof HTMLElement&&(o.tagName.toLowerCase()===`media-volume-range`||o.tagName.toLowerCase()===`media-time-range`);[` `,`ArrowLeft`,`ArrowRight`,`ArrowUp`,`ArrowDown`].includes(r)&&!P(this,ir).contains(Ht(r))&&!s&&e.preventDefault(),this.addEventListener(`keyup`,P(this,fr),{once:!0})},hr=new WeakSet,gr=function(){P(this,L)&&(P(this,L).hotkeys=P(this,ir).value||void 0,(this.noHotkeys||P(this,ir).contains(`noshift+/`))&&(P(this,L).open=!1))},_r=new WeakSet,vr=function(){P(this,L)||(nr(this,L,f.createElement(`media-keyboard-shortcuts-dialog`)),rr(this,hr,gr).call(this),this.appendChild(P(this,L))),P(this,L).open=!0};var Er=Object.values(g),Dr=Object.values(h),Or=e=>{var t;let{observedAttributes:n}=e.constructor;!n&&e.nodeName?.includes(`-`)&&(d.customElements.upgrade(e),{observedAttributes:n}=e.constructor);let r=((t=(e?.getAttribute)?.call(e,m.MEDIA_CHROME_ATTRIBUTES))?.split)?.call(t,/\s+/);return Array.isArray(n||r)?(n||r).filter(e=>Er.includes(e)):[]},kr=e=>(e.nodeName?.includes(`-`)&&d.customElements.get(e.nodeName?.toLowerCase())&&!(e instanceof d.customElements.get(e.nodeName.toLowerCase()))&&d.customElements.upgrade(e),Dr.some(t=>t in e)),Ar=e=>kr(e)||!!Or(e).length,jr=e=>(e?.join)?.call(e,`:`),Mr={[g.MEDIA_SUBTITLES_LIST]:hn,[g.MEDIA_SUBTITLES_SHOWING]:hn,[g.MEDIA_SEEKABLE]:jr,[g.MEDIA_BUFFERED]:e=>e?.map(jr).join(` `),[g.MEDIA_PREVIEW_COORDS]:e=>e?.join(` `),[g.MEDIA_RENDITION_LIST]:rn,[g.MEDIA_AUDIO_TRACK_LIST]:on},Nr=async(e,t,n)=>{if(e.isConnected||await ln(0),typeof n==`boolean`||n==null)return T(e,t,n);if(typeof n==`number`)return C(e,t,n);if(typeof n==`string`)return D(e,t,n);if(Array.isArray(n)&&!n.length)return e.removeAttribute(t);let r=Mr[t]?.call(Mr,n)??n;return e.setAttribute(t,r)},Pr=e=>!!e.closest?.call(e,`*[slot="media"]`),Fr=(e,t)=>{if(Pr(e))return;let n=(e,t)=>{Ar(e)&&t(e);let{children:n=[]}=e??{},r=e?.shadowRoot?.children??[];[...n,...r].forEach(e=>Fr(e,t))},r=e?.nodeName.toLowerCase();r.includes(`-`)&&!Ar(e)?d.customElements.whenDefined(r).then(()=>{n(e,t)}):n(e,t)},Ir=(e,t,n)=>{e.forEach(e=>{if(t in e){e[t]=n;return}let r=Or(e),i=t.toLowerCase();r.includes(i)&&Nr(e,i,n)})},Lr=(e,t,n)=>{Fr(e,t);let r=e=>{t(e?.composedPath()[0]??e.target)},i=e=>{n(e?.composedPath()[0]??e.target)};e.addEventListener(p.REGISTER_MEDIA_STATE_RECEIVER,r),e.addEventListener(p.UNREGISTER_MEDIA_STATE_RECEIVER,i);let a=e=>{e.forEach(e=>{let{addedNodes:r=[],removedNodes:i=[],type:a,target:o,attributeName:s}=e;a===`childList`?(Array.prototype.forEach.call(r,e=>Fr(e,t)),Array.prototype.forEach.call(i,e=>Fr(e,n))):a===`attributes`&&s===m.MEDIA_CHROME_ATTRIBUTES&&(Ar(o)?t(o):n(o))})},o=[],s=e=>{let r=e.target;r.name!==`media`&&(o.forEach(e=>Fr(e,n)),o=[...r.assignedElements({flatten:!0})],o.forEach(e=>Fr(e,t)))};e.addEventListener(`slotchange`,s);let c=new MutationObserver(a);return c.observe(e,{childList:!0,attributes:!0,subtree:!0}),()=>{Fr(e,n),e.removeEventListener(`slotchange`,s),c.disconnect(),e.removeEventListener(p.REGISTER_MEDIA_STATE_RECEIVER,r),e.removeEventListener(p.UNREGISTER_MEDIA_STATE_RECEIVER,i)}};d.customElements.get(`media-controller`)||d.customElements.define(`media-controller`,Tr);var Rr=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},zr=(e,t,n)=>(Rr(e,t,`read from private field`),n?n.call(e):t.get(e)),Br=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},Vr=(e,t,n,r)=>(Rr(e,t,`write to private field`),r?r.call(e,n):t.set(e,n),n),Hr;function Ur(e){return`
    <style>
      :host {
        
        box-sizing: border-box;
        display: var(--media-control-display, var(--media-control-bar-display, inline-flex));
        color: var(--media-text-color, var(--media-primary-color, rgb(238 238 238)));
        --media-loading-indicator-icon-height: 44px;
      }

      ::slotted(media-time-range),
      ::slotted(media-volume-range) {
        min-height: 100%;
      }

      ::slotted(media-time-range),
      ::slotted(media-clip-selector) {
        flex-grow: 1;
      }

      ::slotted([role="menu"]) {
        position: absolute;
      }
    </style>

    <slot></slot>
  `}var Wr=class extends d.HTMLElement{constructor(){if(super(),Br(this,Hr,void 0),!this.shadowRoot){this.attachShadow(this.constructor.shadowRootOptions);let e=b(this.attributes);this.shadowRoot.innerHTML=this.constructor.getTemplateHTML(e)}}static get observedAttributes(){return[m.MEDIA_CONTROLLER]}attributeChangedCallback(e,t,n){var r,i,a,o;e===m.MEDIA_CONTROLLER&&(t&&((i=(r=zr(this,Hr))?.unassociateElement)==null||i.call(r,this),Vr(this,Hr,null)),n&&this.isConnected&&(Vr(this,Hr,this.getRootNode()?.getElementById(n)),(o=(a=zr(this,Hr))?.associateElement)==null||o.call(a,this)))}connectedCallback(){var e,t;let n=this.getAttribute(m.MEDIA_CONTROLLER);n&&(Vr(this,Hr,this.getRootNode()?.getElementById(n)),(t=(e=zr(this,Hr))?.associateElement)==null||t.call(e,this))}disconnectedCallback(){var e,t;(t=(e=zr(this,Hr))?.unassociateElement)==null||t.call(e,this),Vr(this,Hr,null)}};Hr=new WeakMap,Wr.shadowRootOptions={mode:`open`},Wr.getTemplateHTML=Ur,d.customElements.get(`media-control-bar`)||d.customElements.define(`media-control-bar`,Wr);var Gr={PLACEMENT:`placement`,BOUNDS:`bounds`};function Kr(e){return`
    <style>
      :host {
        --_tooltip-background-color: var(--media-tooltip-background-color, var(--media-secondary-color, rgba(20, 20, 30, .7)));
        --_tooltip-background: var(--media-tooltip-background, var(--_tooltip-background-color));
        --_tooltip-arrow-half-width: calc(var(--media-tooltip-arrow-width, 12px) / 2);
        --_tooltip-arrow-height: var(--media-tooltip-arrow-height, 5px);
        --_tooltip-arrow-background: var(--media-tooltip-arrow-color, var(--_tooltip-background-color));
        position: relative;
        pointer-events: none;
        display: var(--media-tooltip-display, inline-flex);
        justify-content: center;
        align-items: center;
        box-sizing: border-box;
        z-index: var(--media-tooltip-z-index, 1);
        background: var(--_tooltip-background);
        color: var(--media-text-color, var(--media-primary-color, rgb(238 238 238)));
        font: var(--media-font,
          var(--media-font-weight, 400)
          var(--media-font-size, 13px) /
          var(--media-text-content-height, var(--media-control-height, 18px))
          var(--media-font-family, helvetica neue, segoe ui, roboto, arial, sans-serif));
        padding: var(--media-tooltip-padding, .35em .7em);
        border: var(--media-tooltip-border, none);
        border-radius: var(--media-tooltip-border-radius, 5px);
        filter: var(--media-tooltip-filter, drop-shadow(0 0 4px rgba(0, 0, 0, .2)));
        white-space: var(--media-tooltip-white-space, nowrap);
      }

      :host([hidden]) {
        display: none;
      }

      img, svg {
        display: inline-block;
      }

      #arrow {
        position: absolute;
        width: 0px;
        height: 0px;
        border-style: solid;
        display: var(--media-tooltip-arrow-display, block);
      }

      :host(:not([placement])),
      :host([placement="top"]) {
        position: absolute;
        bottom: calc(100% + var(--media-tooltip-distance, 12px));
        left: 50%;
        transform: translate(calc(-50% - var(--media-tooltip-offset-x, 0px)), 0);
      }
      :host(:not([placement])) #arrow,
      :host([placement="top"]) #arrow {
        top: 100%;
        left: 50%;
        border-width: var(--_tooltip-arrow-height) var(--_tooltip-arrow-half-width) 0 var(--_tooltip-arrow-half-width);
        border-color: var(--_tooltip-arrow-background) transparent transparent transparent;
        transform: translate(calc(-50% + var(--media-tooltip-offset-x, 0px)), 0);
      }

      :host([placement="right"]) {
        position: absolute;
        left: calc(100% + var(--media-tooltip-distance, 12px));
        top: 50%;
        transform: translate(0, -50%);
      }
      :host([placement="right"]) #arrow {
        top: 50%;
        right: 100%;
        border-width: var(--_tooltip-arrow-half-width) var(--_tooltip-arrow-height) var(--_tooltip-arrow-half-width) 0;
        border-color: transparent var(--_tooltip-arrow-background) transparent transparent;
        transform: translate(0, -50%);
      }

      :host([placement="bottom"]) {
        position: absolute;
        top: calc(100% + var(--media-tooltip-distance, 12px));
        left: 50%;
        transform: translate(calc(-50% - var(--media-tooltip-offset-x, 0px)), 0);
      }
      :host([placement="bottom"]) #arrow {
        bottom: 100%;
        left: 50%;
        border-width: 0 var(--_tooltip-arrow-half-width) var(--_tooltip-arrow-height) var(--_tooltip-arrow-half-width);
        border-color: transparent transparent var(--_tooltip-arrow-background) transparent;
        transform: translate(calc(-50% + var(--media-tooltip-offset-x, 0px)), 0);
      }

      :host([placement="left"]) {
        position: absolute;
        right: calc(100% + var(--media-tooltip-distance, 12px));
        top: 50%;
        transform: translate(0, -50%);
      }
      :host([placement="left"]) #arrow {
        top: 50%;
        left: 100%;
        border-width: var(--_tooltip-arrow-half-width) 0 var(--_tooltip-arrow-half-width) var(--_tooltip-arrow-height);
        border-color: transparent transparent transparent var(--_tooltip-arrow-background);
        transform: translate(0, -50%);
      }
      
      :host([placement="none"]) #arrow {
        display: none;
      }
    </style>
    <slot></slot>
    <div id="arrow"></div>
  `}var qr=class extends d.HTMLElement{constructor(){if(super(),this.updateXOffset=()=>{if(!_e(this,{checkOpacity:!1,checkVisibilityCSS:!1}))return;let e=this.placement;if(e===`left`||e===`right`){this.style.removeProperty(`--media-tooltip-offset-x`);return}let t=getComputedStyle(this),n=me(this,`#`+this.bounds)??de(this);if(!n)return;let{x:r,width:i}=n.getBoundingClientRect(),{x:a,width:o}=this.getBoundingClientRect(),s=a+o,c=r+i,l=t.getPropertyValue(`--media-tooltip-offset-x`),u=l?parseFloat(l.replace(`px`,``)):0,d=t.getPropertyValue(`--media-tooltip-container-margin`),f=d?parseFloat(d.replace(`px`,``)):0,p=a-r+u-f,m=s-c+u+f;p<0?this.style.setProperty(`--media-tooltip-offset-x`,`${p}px`):m>0?this.style.setProperty(`--media-tooltip-offset-x`,`${m}px`):this.style.removeProperty(`--media-tooltip-offset-x`)},!this.shadowRoot){this.attachShadow(this.constructor.shadowRootOptions);let e=b(this.attributes);this.shadowRoot.innerHTML=this.constructor.getTemplateHTML(e)}if(this.arrowEl=this.shadowRoot.querySelector(`#arrow`),Object.prototype.hasOwnProperty.call(this,`placement`)){let e=this.placement;delete this.placement,this.placement=e}}static get observedAttributes(){return[Gr.PLACEMENT,Gr.BOUNDS]}get placement(){return E(this,Gr.PLACEMENT)}set placement(e){D(this,Gr.PLACEMENT,e)}get bounds(){return E(this,Gr.BOUNDS)}set bounds(e){D(this,Gr.BOUNDS,e)}};qr.shadowRootOptions={mode:`open`},qr.getTemplateHTML=Kr,d.customElements.get(`media-tooltip`)||d.customElements.define(`media-tooltip`,qr);var Jr=qr,Yr=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},z=(e,t,n)=>(Yr(e,t,`read from private field`),n?n.call(e):t.get(e)),Xr=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},Zr=(e,t,n,r)=>(Yr(e,t,`write to private field`),r?r.call(e,n):t.set(e,n),n),Qr=(e,t,n)=>(Yr(e,t,`access private method`),n),$r,ei,ti,ni,ri,ii,ai,oi,si,ci={TOOLTIP_PLACEMENT:`tooltipplacement`,DISABLED:`disabled`,NO_TOOLTIP:`notooltip`};function li(e,t={}){return`
    <style>
      :host {
        position: relative;
        font: var(--media-font,
          var(--media-font-weight, bold)
          var(--media-font-size, 14px) /
          var(--media-text-content-height, var(--media-control-height, 24px))
          var(--media-font-family, helvetica neue, segoe ui, roboto, arial, sans-serif));
        color: var(--media-text-color, var(--media-primary-color, rgb(238 238 238)));
        background: var(--media-control-background, var(--media-secondary-color, rgb(20 20 30 / .7)));
        padding: var(--media-button-padding, var(--media-control-padding, 10px));
        justify-content: var(--media-button-justify-content, center);
        display: inline-flex;
        align-items: center;
        vertical-align: middle;
        box-sizing: border-box;
        transition: background .15s linear;
        pointer-events: auto;
        cursor: var(--media-cursor, pointer);
        -webkit-tap-highlight-color: transparent;
      }

      
      :host(:focus-visible) {
        box-shadow: var(--media-focus-box-shadow, inset 0 0 0 2px rgb(27 127 204 / .9));
        outline: 0;
      }
      
      :host(:where(:focus)) {
        box-shadow: none;
        outline: 0;
      }

      :host(:hover) {
        background: var(--media-control-hover-background, rgba(50 50 70 / .7));
      }

      slot[name="icon"] {
        display: inline-flex;
        align-items: center;
      }

      svg, img, ::slotted(svg), ::slotted(img) {
        width: var(--media-button-icon-width);
        height: var(--media-button-icon-height, var(--media-control-height, 24px));
        transform: var(--media-button-icon-transform);
        transition: var(--media-button-icon-transition);
        fill: var(--media-icon-color, var(--media-primary-color, rgb(238 238 238)));
        vertical-align: middle;
        max-width: 100%;
        max-height: 100%;
        min-width: 100%;
      }

      media-tooltip {
        
        max-width: 0;
        overflow-x: clip;
        opacity: 0;
        transition: opacity .3s, max-width 0s 9s;
      }

      :host(:hover) media-tooltip,
      :host(:focus-visible) media-tooltip {
        max-width: 100vw;
        opacity: 1;
        transition: opacity .3s;
      }

      :host([notooltip]) slot[name="tooltip"] {
        display: none;
      }
    </style>

    ${this.getSlotTemplateHTML(e,t)}

    <slot name="tooltip">
      <media-tooltip part="tooltip" aria-hidden="true">
        <template shadowrootmode="${Jr.shadowRootOptions.mode}">
          ${Jr.getTemplateHTML({})}
        </template>
        <slot name="tooltip-content">
          ${this.getTooltipContentHTML(e)}
        </slot>
      </media-tooltip>
    </slot>
  `}function ui(e,t){return`
    <slot></slot>
  `}function di(){return``}var B=class extends d.HTMLElement{constructor(){if(super(),Xr(this,ti),Xr(this,oi),Xr(this,$r,void 0),this.preventClick=!1,this.tooltipEl=null,Xr(this,ei,e=>{this.preventClick||this.handleClick(e),setTimeout(z(this,ri),0)}),Xr(this,ri,()=>{var e,t;(t=(e=this.tooltipEl)?.updateXOffset)==null||t.call(e)}),Xr(this,ii,e=>{let{key:t}=e;this.keysUsed.includes(t)?this.preventClick||this.handleClick(e):this.removeEventListener(`keyup`,z(this,ii))}),Xr(this,ai,e=>{let{metaKey:t,altKey:n,key:r}=e;t||n||!this.keysUsed.includes(r)?this.removeEventListener(`keyup`,z(this,ii)):this.addEventListener(`keyup`,z(this,ii),{once:!0})}),!this.shadowRoot){this.attachShadow(this.constructor.shadowRootOptions);let e=b(this.attributes),t=this.constructor.getTemplateHTML(e);this.shadowRoot.setHTMLUnsafe?this.shadowRoot.setHTMLUnsafe(t):this.shadowRoot.innerHTML=t}this.tooltipEl=this.shadowRoot.querySelector(`media-tooltip`)}static get observedAttributes(){return[`disabled`,ci.TOOLTIP_PLACEMENT,m.MEDIA_CONTROLLER,g.MEDIA_LANG]}enable(){this.addEventListener(`click`,z(this,ei)),this.addEventListener(`keydown`,z(this,ai)),this.tabIndex=0}disable(){this.removeEventListener(`click`,z(this,ei)),this.removeEventListener(`keydown`,z(this,ai)),this.removeEventListener(`keyup`,z(this,ii)),this.tabIndex=-1}attributeChangedCallback(e,t,n){var r,i,a,o;e===m.MEDIA_CONTROLLER?(t&&((i=(r=z(this,$r))?.unassociateElement)==null||i.call(r,this),Zr(this,$r,null)),n&&this.isConnected&&(Zr(this,$r,this.getRootNode()?.getElementById(n)),(o=(a=z(this,$r))?.associateElement)==null||o.call(a,this))):e===`disabled`&&n!==t?n==null?this.enable():this.disable():e===ci.TOOLTIP_PLACEMENT&&this.tooltipEl&&n!==t?this.tooltipEl.placement=n:e===g.MEDIA_LANG&&(this.shadowRoot.querySelector(`slot[name="tooltip-content"]`).innerHTML=this.constructor.getTooltipContentHTML()),Qr(this,ti,ni).call(this)&&z(this,ri).call(this)}connectedCallback(){var e,t;let{style:n}=x(this.shadowRoot,`:host`);n.setProperty(`display`,`var(--media-control-display, var(--${this.localName}-display, inline-flex))`),this.hasAttribute(`disabled`)?this.disable():this.enable(),this.setAttribute(`role`,`button`);let r=this.getAttribute(m.MEDIA_CONTROLLER);r&&(Zr(this,$r,this.getRootNode()?.getElementById(r)),(t=(e=z(this,$r))?.associateElement)==null||t.call(e,this)),d.customElements.whenDefined(`media-tooltip`).then(()=>Qr(this,oi,si).call(this))}disconnectedCallback(){var e,t;this.disable(),(t=(e=z(this,$r))?.unassociateElement)==null||t.call(e,this),Zr(this,$r,null),this.removeEventListener(`mouseenter`,z(this,ri)),this.removeEventListener(`focus`,z(this,ri)),this.removeEventListener(`click`,z(this,ei))}get keysUsed(){return[`Enter`,` `]}get tooltipPlacement(){return E(this,ci.TOOLTIP_PLACEMENT)}set tooltipPlacement(e){D(this,ci.TOOLTIP_PLACEMENT,e)}get mediaController(){return E(this,m.MEDIA_CONTROLLER)}set mediaController(e){D(this,m.MEDIA_CONTROLLER,e)}get disabled(){return w(this,ci.DISABLED)}set disabled(e){T(this,ci.DISABLED,e)}get noTooltip(){return w(this,ci.NO_TOOLTIP)}set noTooltip(e){T(this,ci.NO_TOOLTIP,e)}handleClick(e){}};$r=new WeakMap,ei=new WeakMap,ti=new WeakSet,ni=function(){try{return this.matches(`:hover, :focus-visible`)}catch{return this.matches(`:hover, :focus`)}},ri=new WeakMap,ii=new WeakMap,ai=new WeakMap,oi=new WeakSet,si=function(){this.addEventListener(`mouseenter`,z(this,ri)),this.addEventListener(`focus`,z(this,ri)),this.addEventListener(`click`,z(this,ei));let e=this.tooltipPlacement;e&&this.tooltipEl&&(this.tooltipEl.placement=e)},B.shadowRootOptions={mode:`open`},B.getTemplateHTML=li,B.getSlotTemplateHTML=ui,B.getTooltipContentHTML=di,d.customElements.get(`media-chrome-button`)||d.customElements.define(`media-chrome-button`,B);var fi=`<svg aria-hidden="true" viewBox="0 0 24 24">
  <path d="m6 21 15-9L6 3v18Z"/>
</svg>`,pi=`<svg aria-hidden="true" viewBox="0 0 24 24">
  <path d="M6 20h4V4H6v16Zm8-16v16h4V4h-4Z"/>
</svg>`;function mi(e){return`
    <style>
      :host([${g.MEDIA_PAUSED}]) slot[name=pause],
      :host(:not([${g.MEDIA_PAUSED}])) slot[name=play] {
        display: none !important;
      }

      :host([${g.MEDIA_PAUSED}]) slot[name=tooltip-pause],
      :host(:not([${g.MEDIA_PAUSED}])) slot[name=tooltip-play] {
        display: none;
      }
    </style>

    <slot name="icon">
      <slot name="play">${fi}</slot>
      <slot name="pause">${pi}</slot>
    </slot>
  `}function hi(){return`
    <slot name="tooltip-play">${k(`Play`)}</slot>
    <slot name="tooltip-pause">${k(`Pause`)}</slot>
  `}var gi=e=>{let t=e.mediaPaused?k(`play`):k(`pause`);e.setAttribute(`aria-label`,t)},_i=class extends B{static get observedAttributes(){return[...super.observedAttributes,g.MEDIA_PAUSED,g.MEDIA_ENDED]}connectedCallback(){super.connectedCallback(),gi(this)}attributeChangedCallback(e,t,n){super.attributeChangedCallback(e,t,n),(e===g.MEDIA_PAUSED||e===g.MEDIA_LANG)&&gi(this)}get mediaPaused(){return w(this,g.MEDIA_PAUSED)}set mediaPaused(e){T(this,g.MEDIA_PAUSED,e)}handleClick(){let e=this.mediaPaused?p.MEDIA_PLAY_REQUEST:p.MEDIA_PAUSE_REQUEST;this.dispatchEvent(new d.CustomEvent(e,{composed:!0,bubbles:!0}))}};_i.getSlotTemplateHTML=mi,_i.getTooltipContentHTML=hi,d.customElements.get(`media-play-button`)||d.customElements.define(`media-play-button`,_i);var vi=`<svg aria-hidden="true" viewBox="0 0 24 24">
  <path d="M16.5 12A4.5 4.5 0 0 0 14 8v2.18l2.45 2.45a4.22 4.22 0 0 0 .05-.63Zm2.5 0a6.84 6.84 0 0 1-.54 2.64L20 16.15A8.8 8.8 0 0 0 21 12a9 9 0 0 0-7-8.77v2.06A7 7 0 0 1 19 12ZM4.27 3 3 4.27 7.73 9H3v6h4l5 5v-6.73l4.25 4.25A6.92 6.92 0 0 1 14 18.7v2.06A9 9 0 0 0 17.69 19l2 2.05L21 19.73l-9-9L4.27 3ZM12 4 9.91 6.09 12 8.18V4Z"/>
</svg>`,yi=`<svg aria-hidden="true" viewBox="0 0 24 24">
  <path d="M3 9v6h4l5 5V4L7 9H3Zm13.5 3A4.5 4.5 0 0 0 14 8v8a4.47 4.47 0 0 0 2.5-4Z"/>
</svg>`,bi=`<svg aria-hidden="true" viewBox="0 0 24 24">
  <path d="M3 9v6h4l5 5V4L7 9H3Zm13.5 3A4.5 4.5 0 0 0 14 8v8a4.47 4.47 0 0 0 2.5-4ZM14 3.23v2.06a7 7 0 0 1 0 13.42v2.06a9 9 0 0 0 0-17.54Z"/>
</svg>`;function xi(e){return`
    <style>
      :host(:not([${g.MEDIA_VOLUME_LEVEL}])) slot[name=icon] slot:not([name=high]),
      :host([${g.MEDIA_VOLUME_LEVEL}=high]) slot[name=icon] slot:not([name=high]) {
        display: none !important;
      }

      :host([${g.MEDIA_VOLUME_LEVEL}=off]) slot[name=icon] slot:not([name=off]) {
        display: none !important;
      }

      :host([${g.MEDIA_VOLUME_LEVEL}=low]) slot[name=icon] slot:not([name=low]) {
        display: none !important;
      }

      :host([${g.MEDIA_VOLUME_LEVEL}=medium]) slot[name=icon] slot:not([name=medium]) {
        display: none !important;
      }

      :host(:not([${g.MEDIA_VOLUME_LEVEL}=off])) slot[name=tooltip-unmute],
      :host([${g.MEDIA_VOLUME_LEVEL}=off]) slot[name=tooltip-mute] {
        display: none;
      }
    </style>

    <slot name="icon">
      <slot name="off">${vi}</slot>
      <slot name="low">${yi}</slot>
      <slot name="medium">${yi}</slot>
      <slot name="high">${bi}</slot>
    </slot>
  `}function Si(){return`
    <slot name="tooltip-mute">${k(`Mute`)}</slot>
    <slot name="tooltip-unmute">${k(`Unmute`)}</slot>
  `}var Ci=e=>{let t=e.mediaVolumeLevel===`off`?k(`unmute`):k(`mute`);e.setAttribute(`aria-label`,t)},wi=class extends B{static get observedAttributes(){return[...super.observedAttributes,g.MEDIA_VOLUME_LEVEL]}connectedCallback(){super.connectedCallback(),Ci(this)}attributeChangedCallback(e,t,n){super.attributeChangedCallback(e,t,n),e===g.MEDIA_VOLUME_LEVEL&&Ci(this)}get mediaVolumeLevel(){return E(this,g.MEDIA_VOLUME_LEVEL)}set mediaVolumeLevel(e){D(this,g.MEDIA_VOLUME_LEVEL,e)}handleClick(){let e=this.mediaVolumeLevel===`off`?p.MEDIA_UNMUTE_REQUEST:p.MEDIA_MUTE_REQUEST;this.dispatchEvent(new d.CustomEvent(e,{composed:!0,bubbles:!0}))}};wi.getSlotTemplateHTML=xi,wi.getTooltipContentHTML=Si,d.customElements.get(`media-mute-button`)||d.customElements.define(`media-mute-button`,wi);var Ti=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},V=(e,t,n)=>(Ti(e,t,`read from private field`),n?n.call(e):t.get(e)),H=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},Ei=(e,t,n,r)=>(Ti(e,t,`write to private field`),r?r.call(e,n):t.set(e,n),n),Di=(e,t,n)=>(Ti(e,t,`access private method`),n),Oi,ki,Ai,ji,Mi,Ni,Pi,Fi,Ii,Li,Ri,zi,Bi,Vi,Hi,Ui,Wi,Gi,Ki,qi,Ji,Yi,Xi,Zi,Qi;function $i(e){return`
    <style>
      :host {
        --_focus-box-shadow: var(--media-focus-box-shadow, inset 0 0 0 2px rgb(27 127 204 / .9));
        --_media-range-padding: var(--media-range-padding, var(--media-control-padding, 10px));

        box-shadow: var(--_focus-visible-box-shadow, none);
        background: var(--media-control-background, var(--media-secondary-color, rgb(20 20 30 / .7)));
        height: calc(var(--media-control-height, 24px) + 2 * var(--_media-range-padding));
        display: inline-flex;
        align-items: center;
        
        vertical-align: middle;
        box-sizing: border-box;
        position: relative;
        width: 100px;
        transition: background .15s linear;
        cursor: var(--media-cursor, pointer);
        pointer-events: auto;
        touch-action: none; 
      }

      
      input[type=range]:focus {
        outline: 0;
      }
      input[type=range]:focus::-webkit-slider-runnable-track {
        outline: 0;
      }

      :host(:hover) {
        background: var(--media-control-hover-background, rgb(50 50 70 / .7));
      }

      #leftgap {
        padding-left: var(--media-range-padding-left, var(--_media-range-padding));
      }

      #rightgap {
        padding-right: var(--media-range-padding-right, var(--_media-range-padding));
      }

      #startpoint,
      #endpoint {
        position: absolute;
      }

      #endpoint {
        right: 0;
      }

      #container {
        
        width: var(--media-range-track-width, 100%);
        transform: translate(var(--media-range-track-translate-x, 0px), var(--media-range-track-translate-y, 0px));
        position: relative;
        height: 100%;
        display: flex;
        align-items: center;
        min-width: 40px;
      }

      #range {
        
        display: var(--media-time-range-hover-display, block);
        bottom: var(--media-time-range-hover-bottom, 0);
        height: var(--media-time-range-hover-height, max(100% , 25px));
        width: 100%;
        position: absolute;
        cursor: var(--media-cursor, pointer);

        -webkit-appearance: none; 
        -webkit-tap-highlight-color: transparent;
        background: transparent; 
        margin: 0;
        z-index: 1;
      }

      @media (hover: hover) {
        #range {
          bottom: var(--media-time-range-hover-bottom, 0);
          height: var(--media-time-range-hover-height, max(100%, 20px));
        }
      }

      
      
      #range::-webkit-slider-thumb {
        -webkit-appearance: none;
        background: transparent;
        width: .1px;
        height: .1px;
      }

      
      #range::-moz-range-thumb {
        background: transparent;
        border: transparent;
        width: .1px;
        height: .1px;
      }

      #appearance {
        height: var(--media-range-track-height, 4px);
        display: flex;
        flex-direction: column;
        justify-content: center;
        width: 100%;
        position: absolute;
        
        will-change: transform;
      }

      #track {
        background: var(--media-range-track-background, rgb(255 255 255 / .2));
        border-radius: var(--media-range-track-border-radius, 1px);
        border: var(--media-range-track-border, none);
        outline: var(--media-range-track-outline);
        outline-offset: var(--media-range-track-outline-offset);
        backdrop-filter: var(--media-range-track-backdrop-filter);
        -webkit-backdrop-filter: var(--media-range-track-backdrop-filter);
        box-shadow: var(--media-range-track-box-shadow, none);
        position: absolute;
        width: 100%;
        height: 100%;
        overflow: hidden;
      }

      #progress,
      #pointer {
        position: absolute;
        height: 100%;
        will-change: width;
      }

      #progress {
        background: var(--media-range-bar-color, var(--media-primary-color, rgb(238 238 238)));
        transition: var(--media-range-track-transition);
      }

      #pointer {
        background: var(--media-range-track-pointer-background);
        border-right: var(--media-range-track-pointer-border-right);
        transition: visibility .25s, opacity .25s;
        visibility: hidden;
        opacity: 0;
      }

      @media (hover: hover) {
        :host(:hover) #pointer {
          transition: visibility .5s, opacity .5s;
          visibility: visible;
          opacity: 1;
        }
      }

      #thumb,
      ::slotted([slot=thumb]) {
        width: var(--media-range-thumb-width, 10px);
        height: var(--media-range-thumb-height, 10px);
        transition: var(--media-range-thumb-transition);
        transform: var(--media-range-thumb-transform, none);
        opacity: var(--media-range-thumb-opacity, 1);
        translate: -50%;
        position: absolute;
        left: 0;
        cursor: var(--media-cursor, pointer);
      }

      #thumb {
        border-radius: var(--media-range-thumb-border-radius, 10px);
        background: var(--media-range-thumb-background, var(--media-primary-color, rgb(238 238 238)));
        box-shadow: var(--media-range-thumb-box-shadow, 1px 1px 1px transparent);
        border: var(--media-range-thumb-border, none);
      }

      :host([disabled]) #thumb {
        background-color: #777;
      }

      .segments #appearance {
        height: var(--media-range-segment-hover-height, 7px);
      }

      #track {
        clip-path: url(#segments-clipping);
      }

      #segments {
        --segments-gap: var(--media-range-segments-gap, 2px);
        position: absolute;
        width: 100%;
        height: 100%;
      }

      #segments-clipping {
        transform: translateX(calc(var(--segments-gap) / 2));
      }

      #segments-clipping:empty {
        display: none;
      }

      #segments-clipping rect {
        height: var(--media-range-track-height, 4px);
        y: calc((var(--media-range-segment-hover-height, 7px) - var(--media-range-track-height, 4px)) / 2);
        transition: var(--media-range-segment-transition, transform .1s ease-in-out);
        transform: var(--media-range-segment-transform, scaleY(1));
        transform-origin: center;
      }

      /* Visible label for accessibility - positioned off-screen but technically visible (Firefox requires visible labels) */
      #range-label {
        position: absolute;
        left: -10000px;
        background: var(--media-control-background, var(--media-secondary-color, rgb(20 20 30 / .7)));
        pointer-events: none;
      }
    </style>
    <div id="leftgap"></div>
    <div id="container">
      <div id="startpoint"></div>
      <div id="endpoint"></div>
      <div id="appearance">
        <div id="track" part="track">
          <div id="pointer"></div>
          <div id="progress" part="progress"></div>
        </div>
        <slot name="thumb">
          <div id="thumb" part="thumb"></div>
        </slot>
        <svg id="segments" aria-hidden="true"><clipPath id="segments-clipping"></clipPath></svg>
      </div>
        <input id="range" type="range" min="0" max="1" step="any" value="0">
        <label for="range" id="range-label"></label>

      ${this.getContainerTemplateHTML(e)}
    </div>
    <div id="rightgap"></div>
  `}function ea(e){return``}var ta=class extends d.HTMLElement{constructor(){if(super(),H(this,Li),H(this,zi),H(this,Vi),H(this,Ui),H(this,Gi),H(this,qi),H(this,Yi),H(this,Zi),H(this,Oi,void 0),H(this,ki,void 0),H(this,Ai,void 0),H(this,ji,void 0),H(this,Mi,{}),H(this,Ni,[]),H(this,Pi,()=>{if(this.range.matches(`:focus-visible`)){let{style:e}=x(this.shadowRoot,`:host`);e.setProperty(`--_focus-visible-box-shadow`,`var(--_focus-box-shadow)`)}}),H(this,Fi,()=>{let{style:e}=x(this.shadowRoot,`:host`);e.removeProperty(`--_focus-visible-box-shadow`)}),H(this,Ii,()=>{let e=this.shadowRoot.querySelector(`#segments-clipping`);e&&e.parentNode.append(e)}),!this.shadowRoot){this.attachShadow(this.constructor.shadowRootOptions);let e=b(this.attributes),t=this.constructor.getTemplateHTML(e);this.shadowRoot.setHTMLUnsafe?this.shadowRoot.setHTMLUnsafe(t):this.shadowRoot.innerHTML=t}this.container=this.shadowRoot.querySelector(`#container`),Ei(this,Ai,this.shadowRoot.querySelector(`#startpoint`)),Ei(this,ji,this.shadowRoot.querySelector(`#endpoint`)),this.range=this.shadowRoot.querySelector(`#range`),this.appearance=this.shadowRoot.querySelector(`#appearance`)}static get observedAttributes(){return[`disabled`,`aria-disabled`,m.MEDIA_CONTROLLER]}attributeChangedCallback(e,t,n){var r,i,a,o;e===m.MEDIA_CONTROLLER?(t&&((i=(r=V(this,Oi))?.unassociateElement)==null||i.call(r,this),Ei(this,Oi,null)),n&&this.isConnected&&(Ei(this,Oi,this.getRootNode()?.getElementById(n)),(o=(a=V(this,Oi))?.associateElement)==null||o.call(a,this))):(e===`disabled`||e===`aria-disabled`&&t!==n)&&(n==null?(this.range.removeAttribute(e),Di(this,zi,Bi).call(this)):(this.range.setAttribute(e,n),Di(this,Vi,Hi).call(this)))}connectedCallback(){var e,t;let{style:n}=x(this.shadowRoot,`:host`);n.setProperty(`display`,`var(--media-control-display, var(--${this.localName}-display, inline-flex))`),V(this,Mi).pointer=x(this.shadowRoot,`#pointer`),V(this,Mi).progress=x(this.shadowRoot,`#progress`),V(this,Mi).thumb=x(this.shadowRoot,`#thumb, ::slotted([slot="thumb"])`),V(this,Mi).activeSegment=x(this.shadowRoot,`#segments-clipping rect:nth-child(0)`);let r=this.getAttribute(m.MEDIA_CONTROLLER);r&&(Ei(this,Oi,this.getRootNode()?.getElementById(r)),(t=(e=V(this,Oi))?.associateElement)==null||t.call(e,this)),this.updateBar(),this.shadowRoot.addEventListener(`focusin`,V(this,Pi)),this.shadowRoot.addEventListener(`focusout`,V(this,Fi)),Di(this,zi,Bi).call(this),le(this.container,V(this,Ii))}disconnectedCallback(){var e,t;Di(this,Vi,Hi).call(this),(t=(e=V(this,Oi))?.unassociateElement)==null||t.call(e,this),Ei(this,Oi,null),this.shadowRoot.removeEventListener(`focusin`,V(this,Pi)),this.shadowRoot.removeEventListener(`focusout`,V(this,Fi)),ue(this.container,V(this,Ii))}updatePointerBar(e){var t;(t=V(this,Mi).pointer)==null||t.style.setProperty(`width`,`${this.getPointerRatio(e)*100}%`)}updateBar(){var e,t;let n=this.range.valueAsNumber*100;(e=V(this,Mi).progress)==null||e.style.setProperty(`width`,`${n}%`),(t=V(this,Mi).thumb)==null||t.style.setProperty(`left`,`${n}%`)}updateSegments(e){let t=this.shadowRoot.querySelector(`#segments-clipping`);if(t.textContent=``,this.container.classList.toggle(`segments`,!!e?.length),!e?.length)return;let n=[...new Set([+this.range.min,...e.flatMap(e=>[e.start,e.end]),+this.range.max])];Ei(this,Ni,[...n]);let r=n.pop();for(let[e,i]of n.entries()){let[a,o]=[e===0,e===n.length-1],s=a?`calc(var(--segments-gap) / -1)`:`${i*100}%`,c=`calc(${((o?r:n[e+1])-i)*100}%${a||o?``:` - var(--segments-gap)`})`,l=f.createElementNS(`http://www.w3.org/2000/svg`,`rect`),u=be(this.shadowRoot,`#segments-clipping rect:nth-child(${e+1})`);u.style.setProperty(`x`,s),u.style.setProperty(`width`,c),t.append(l)}}getPointerRatio(e){return ve(e.clientX,e.clientY,V(this,Ai).getBoundingClientRect(),V(this,ji).getBoundingClientRect())}get dragging(){return this.hasAttribute(`dragging`)}handleEvent(e){switch(e.type){case`pointermove`:Di(this,Zi,Qi).call(this,e);break;case`input`:this.updateBar();break;case`pointerenter`:Di(this,Gi,Ki).call(this,e);break;case`pointerdown`:Di(this,Ui,Wi).call(this,e);break;case`pointerup`:Di(this,qi,Ji).call(this);break;case`pointerleave`:Di(this,Yi,Xi).call(this)}}get keysUsed(){return[`ArrowUp`,`ArrowRight`,`ArrowDown`,`ArrowLeft`]}};Oi=new WeakMap,ki=new WeakMap,Ai=new WeakMap,ji=new WeakMap,Mi=new WeakMap,Ni=new WeakMap,Pi=new WeakMap,Fi=new WeakMap,Ii=new WeakMap,Li=new WeakSet,Ri=function(e){let t=V(this,Mi).activeSegment;if(!t)return;let n=this.getPointerRatio(e),r=`#segments-clipping rect:nth-child(${V(this,Ni).findIndex((e,t,r)=>{let i=r[t+1];return i!=null&&n>=e&&n<=i})+1})`;t.selectorText==r&&t.style.transform||(t.selectorText=r,t.style.setProperty(`transform`,`var(--media-range-segment-hover-transform, scaleY(2))`))},zi=new WeakSet,Bi=function(){!this.hasAttribute(`disabled`)&&this.isConnected&&(this.addEventListener(`input`,this),this.addEventListener(`pointerdown`,this),this.addEventListener(`pointerenter`,this))},Vi=new WeakSet,Hi=function(){var e,t;this.removeEventListener(`input`,this),this.removeEventListener(`pointerdown`,this),this.removeEventListener(`pointerenter`,this),this.removeEventListener(`pointerleave`,this),(e=d.window)==null||e.removeEventListener(`pointerup`,this),(t=d.window)==null||t.removeEventListener(`pointermove`,this)},Ui=new WeakSet,Wi=function(e){var t;Ei(this,ki,e.composedPath().includes(this.range)),(t=d.window)==null||t.addEventListener(`pointerup`,this,{once:!0})},Gi=new WeakSet,Ki=function(e){var t;e.pointerType!==`mouse`&&Di(this,Ui,Wi).call(this,e),this.addEventListener(`pointerleave`,this,{once:!0}),(t=d.window)==null||t.addEventListener(`pointermove`,this)},qi=new WeakSet,Ji=function(){var e;(e=d.window)==null||e.removeEventListener(`pointerup`,this),this.toggleAttribute(`dragging`,!1),this.range.disabled=this.hasAttribute(`disabled`)},Yi=new WeakSet,Xi=function(){var e,t;this.removeEventListener(`pointerleave`,this),(e=d.window)==null||e.removeEventListener(`pointermove`,this),this.toggleAttribute(`dragging`,!1),this.range.disabled=this.hasAttribute(`disabled`),(t=V(this,Mi).activeSegment)==null||t.style.removeProperty(`transform`)},Zi=new WeakSet,Qi=function(e){(e.pointerType!==`pen`||e.buttons!==0)&&(this.toggleAttribute(`dragging`,e.buttons===1||e.pointerType!==`mouse`),this.updatePointerBar(e),Di(this,Li,Ri).call(this,e),this.dragging&&(e.pointerType!==`mouse`||!V(this,ki))&&(this.range.disabled=!0,this.range.valueAsNumber=this.getPointerRatio(e),this.range.dispatchEvent(new Event(`input`,{bubbles:!0,composed:!0}))))},ta.shadowRootOptions={mode:`open`},ta.getTemplateHTML=$i,ta.getContainerTemplateHTML=ea,d.customElements.get(`media-chrome-range`)||d.customElements.define(`media-chrome-range`,ta);var na=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},ra=(e,t,n)=>(na(e,t,`read from private field`),n?n.call(e):t.get(e)),ia=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},aa,oa=1,sa=e=>e.mediaMuted?0:e.mediaVolume,ca=e=>`${Math.round(e*100)}%`,la=class extends ta{constructor(){super(...arguments),ia(this,aa,()=>{let e=this.range.value,t=new d.CustomEvent(p.MEDIA_VOLUME_REQUEST,{composed:!0,bubbles:!0,detail:e});this.dispatchEvent(t)})}static get observedAttributes(){return[...super.observedAttributes,g.MEDIA_VOLUME,g.MEDIA_MUTED,g.MEDIA_VOLUME_UNAVAILABLE]}connectedCallback(){super.connectedCallback(),this.range.setAttribute(`aria-label`,k(`volume`)),this.range.addEventListener(`input`,ra(this,aa))}disconnectedCallback(){this.range.removeEventListener(`input`,ra(this,aa)),super.disconnectedCallback()}attributeChangedCallback(e,t,n){super.attributeChangedCallback(e,t,n),(e===g.MEDIA_VOLUME||e===g.MEDIA_MUTED)&&(this.range.valueAsNumber=sa(this),this.range.setAttribute(`aria-valuetext`,ca(this.range.valueAsNumber)),this.updateBar())}get mediaVolume(){return S(this,g.MEDIA_VOLUME,oa)}set mediaVolume(e){C(this,g.MEDIA_VOLUME,e)}get mediaMuted(){return w(this,g.MEDIA_MUTED)}set mediaMuted(e){T(this,g.MEDIA_MUTED,e)}get mediaVolumeUnavailable(){return E(this,g.MEDIA_VOLUME_UNAVAILABLE)}set mediaVolumeUnavailable(e){D(this,g.MEDIA_VOLUME_UNAVAILABLE,e)}};aa=new WeakMap,d.customElements.get(`media-volume-range`)||d.customElements.define(`media-volume-range`,la);var ua=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},da=(e,t,n)=>(ua(e,t,`read from private field`),n?n.call(e):t.get(e)),fa=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},pa=(e,t,n,r)=>(ua(e,t,`write to private field`),r?r.call(e,n):t.set(e,n),n),ma;function ha(e){return`
    <style>
      :host {
        box-sizing: border-box;
        display: var(--media-control-display, var(--media-preview-thumbnail-display, inline-block));
        overflow: hidden;
      }

      img {
        display: none;
        position: relative;
      }
    </style>
    <img crossorigin loading="eager" decoding="async">
  `}var ga=class extends d.HTMLElement{constructor(){if(super(),fa(this,ma,void 0),!this.shadowRoot){this.attachShadow(this.constructor.shadowRootOptions);let e=b(this.attributes);this.shadowRoot.innerHTML=this.constructor.getTemplateHTML(e)}}static get observedAttributes(){return[m.MEDIA_CONTROLLER,g.MEDIA_PREVIEW_IMAGE,g.MEDIA_PREVIEW_COORDS]}connectedCallback(){var e,t;let n=this.getAttribute(m.MEDIA_CONTROLLER);n&&(pa(this,ma,this.getRootNode()?.getElementById(n)),(t=(e=da(this,ma))?.associateElement)==null||t.call(e,this))}disconnectedCallback(){var e,t;(t=(e=da(this,ma))?.unassociateElement)==null||t.call(e,this),pa(this,ma,null)}attributeChangedCallback(e,t,n){var r,i,a,o;[g.MEDIA_PREVIEW_IMAGE,g.MEDIA_PREVIEW_COORDS].includes(e)&&this.update(),e===m.MEDIA_CONTROLLER&&(t&&((i=(r=da(this,ma))?.unassociateElement)==null||i.call(r,this),pa(this,ma,null)),n&&this.isConnected&&(pa(this,ma,this.getRootNode()?.getElementById(n)),(o=(a=da(this,ma))?.associateElement)==null||o.call(a,this)))}get mediaPreviewImage(){return E(this,g.MEDIA_PREVIEW_IMAGE)}set mediaPreviewImage(e){D(this,g.MEDIA_PREVIEW_IMAGE,e)}get mediaPreviewCoords(){let e=this.getAttribute(g.MEDIA_PREVIEW_COORDS);if(e)return e.split(/\s+/).map(e=>+e)}set mediaPreviewCoords(e){e?this.setAttribute(g.MEDIA_PREVIEW_COORDS,e.join(` `)):this.removeAttribute(g.MEDIA_PREVIEW_COORDS)}update(){let e=this.mediaPreviewCoords,t=this.mediaPreviewImage;if(!(e&&t))return;let[n,r,i,a]=e,o=t.split(`#`)[0],s=getComputedStyle(this),{maxWidth:c,maxHeight:l,minWidth:u,minHeight:d}=s,f=s.getPropertyValue(`--media-preview-thumbnail-object-fit`).trim()||`contain`,p,m;if(f===`fill`){let e=parseInt(c)/i,t=parseInt(l)/a,n=parseInt(u)/i,r=parseInt(d)/a;p=e<1?e:Math.max(e,n),m=t<1?t:Math.max(t,r)}else{let e=Math.min(parseInt(c)/i,parseInt(l)/a),t=Math.max(parseInt(u)/i,parseInt(d)/a),n=e<1?e:t>1?t:1;p=n,m=n}let{style:h}=x(this.shadowRoot,`:host`),ee=x(this.shadowRoot,`img`).style,g=this.shadowRoot.querySelector(`img`),te=Math.min(p,m)<1?`min`:`max`;h.setProperty(`${te}-width`,`initial`,`important`),h.setProperty(`${te}-height`,`initial`,`important`),h.width=`${i*p}px`,h.height=`${a*m}px`;let ne=()=>{ee.width=`${this.imgWidth*p}px`,ee.height=`${this.imgHeight*m}px`,ee.display=`block`};g.src!==o&&(g.onload=()=>{this.imgWidth=g.naturalWidth,this.imgHeight=g.naturalHeight,ne(),g.onload=null},g.src=o,ne()),ne(),ee.transform=`translate(-${n*p}px, -${r*m}px)`}};ma=new WeakMap,ga.shadowRootOptions={mode:`open`},ga.getTemplateHTML=ha,d.customElements.get(`media-preview-thumbnail`)||d.customElements.define(`media-preview-thumbnail`,ga);var _a=ga,va=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},ya=(e,t,n)=>(va(e,t,`read from private field`),n?n.call(e):t.get(e)),ba=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},xa=(e,t,n,r)=>(va(e,t,`write to private field`),r?r.call(e,n):t.set(e,n),n),Sa;function Ca(e,t={}){return`
    <style>
      :host {
        font: var(--media-font,
          var(--media-font-weight, normal)
          var(--media-font-size, 14px) /
          var(--media-text-content-height, var(--media-control-height, 24px))
          var(--media-font-family, helvetica neue, segoe ui, roboto, arial, sans-serif));
        color: var(--media-text-color, var(--media-primary-color, rgb(238 238 238)));
        background: var(--media-text-background, var(--media-control-background, var(--media-secondary-color, rgb(20 20 30 / .7))));
        padding: var(--media-control-padding, 10px);
        display: inline-flex;
        justify-content: center;
        align-items: center;
        vertical-align: middle;
        box-sizing: border-box;
        text-align: center;
        pointer-events: auto;
      }

      
      :host(:focus-visible) {
        box-shadow: var(--media-focus-box-shadow, inset 0 0 0 2px rgb(27 127 204 / .9));
        outline: 0;
      }

      
      :host(:where(:focus)) {
        box-shadow: none;
        outline: 0;
      }
    </style>

    ${this.getSlotTemplateHTML(e,t)}
  `}function wa(e,t){return`
    <slot></slot>
  `}var Ta=class extends d.HTMLElement{constructor(){if(super(),ba(this,Sa,void 0),!this.shadowRoot){this.attachShadow(this.constructor.shadowRootOptions);let e=b(this.attributes);this.shadowRoot.innerHTML=this.constructor.getTemplateHTML(e)}}static get observedAttributes(){return[m.MEDIA_CONTROLLER]}attributeChangedCallback(e,t,n){var r,i,a,o;e===m.MEDIA_CONTROLLER&&(t&&((i=(r=ya(this,Sa))?.unassociateElement)==null||i.call(r,this),xa(this,Sa,null)),n&&this.isConnected&&(xa(this,Sa,this.getRootNode()?.getElementById(n)),(o=(a=ya(this,Sa))?.associateElement)==null||o.call(a,this)))}connectedCallback(){var e,t;let{style:n}=x(this.shadowRoot,`:host`);n.setProperty(`display`,`var(--media-control-display, var(--${this.localName}-display, inline-flex))`);let r=this.getAttribute(m.MEDIA_CONTROLLER);r&&(xa(this,Sa,this.getRootNode()?.getElementById(r)),(t=(e=ya(this,Sa))?.associateElement)==null||t.call(e,this))}disconnectedCallback(){var e,t;(t=(e=ya(this,Sa))?.unassociateElement)==null||t.call(e,this),xa(this,Sa,null)}};Sa=new WeakMap,Ta.shadowRootOptions={mode:`open`},Ta.getTemplateHTML=Ca,Ta.getSlotTemplateHTML=wa,d.customElements.get(`media-text-display`)||d.customElements.define(`media-text-display`,Ta);var Ea=[{singular:`hour`,plural:`hours`},{singular:`minute`,plural:`minutes`},{singular:`second`,plural:`seconds`}],Da=(e,t)=>`${e} ${k(e===1?Ea[t].singular:Ea[t].plural)}`,Oa=e=>{if(!cn(e))return``;let t=Math.abs(e),n=t!==e,r=new Date(0,0,0,0,0,t,0),i=[r.getHours(),r.getMinutes(),r.getSeconds()].map((e,t)=>e&&Da(e,t)).filter(e=>e).join(`, `);return n?k(`{time} remaining`,{time:i}):t===0?Da(0,2):i};function ka(e,t){let n=!1;e<0&&(n=!0,e=0-e),e=e<0?0:e;let r=Math.floor(e%60),i=Math.floor(e/60%60),a=Math.floor(e/3600),o=Math.floor(t/60%60),s=Math.floor(t/3600);return(isNaN(e)||e===1/0)&&(a=i=r=`0`),a=a>0||s>0?a+`:`:``,i=((a||o>=10)&&i<10?`0`+i:i)+`:`,r=r<10?`0`+r:r,(n?`-`:``)+a+i+r}Object.freeze({length:0,start(e){let t=e>>>0;if(t>=this.length)throw new DOMException(`Failed to execute 'start' on 'TimeRanges': The index provided (${t}) is greater than or equal to the maximum bound (${this.length}).`);return 0},end(e){let t=e>>>0;if(t>=this.length)throw new DOMException(`Failed to execute 'end' on 'TimeRanges': The index provided (${t}) is greater than or equal to the maximum bound (${this.length}).`);return 0}});var Aa=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},ja=(e,t,n)=>(Aa(e,t,`read from private field`),n?n.call(e):t.get(e)),Ma=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},Na=(e,t,n,r)=>(Aa(e,t,`write to private field`),r?r.call(e,n):t.set(e,n),n),Pa,Fa=class extends Ta{constructor(){super(),Ma(this,Pa,void 0),Na(this,Pa,this.shadowRoot.querySelector(`slot`)),ja(this,Pa).textContent=ka(0)}static get observedAttributes(){return[...super.observedAttributes,g.MEDIA_PREVIEW_TIME]}attributeChangedCallback(e,t,n){super.attributeChangedCallback(e,t,n),e===g.MEDIA_PREVIEW_TIME&&n!=null&&(ja(this,Pa).textContent=ka(parseFloat(n)))}get mediaPreviewTime(){return S(this,g.MEDIA_PREVIEW_TIME)}set mediaPreviewTime(e){C(this,g.MEDIA_PREVIEW_TIME,e)}};Pa=new WeakMap,d.customElements.get(`media-preview-time-display`)||d.customElements.define(`media-preview-time-display`,Fa);var Ia=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},La=(e,t,n)=>(Ia(e,t,`read from private field`),n?n.call(e):t.get(e)),Ra=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},za=(e,t,n,r)=>(Ia(e,t,`write to private field`),r?r.call(e,n):t.set(e,n),n),Ba,Va=class extends Ta{constructor(){super(),Ra(this,Ba,void 0),za(this,Ba,this.shadowRoot.querySelector(`slot`))}static get observedAttributes(){return[...super.observedAttributes,g.MEDIA_PREVIEW_CHAPTER,g.MEDIA_LANG]}attributeChangedCallback(e,t,n){if(super.attributeChangedCallback(e,t,n),(e===g.MEDIA_PREVIEW_CHAPTER||e===g.MEDIA_LANG)&&n!==t&&n!=null){if(La(this,Ba).textContent=n,n!==``){let e=k(`chapter: {chapterName}`,{chapterName:n});this.setAttribute(`aria-valuetext`,e)}else this.removeAttribute(`aria-valuetext`)}}get mediaPreviewChapter(){return E(this,g.MEDIA_PREVIEW_CHAPTER)}set mediaPreviewChapter(e){D(this,g.MEDIA_PREVIEW_CHAPTER,e)}};Ba=new WeakMap,d.customElements.get(`media-preview-chapter-display`)||d.customElements.define(`media-preview-chapter-display`,Va);var Ha=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},U=(e,t,n)=>(Ha(e,t,`read from private field`),n?n.call(e):t.get(e)),Ua=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},W=(e,t,n,r)=>(Ha(e,t,`write to private field`),r?r.call(e,n):t.set(e,n),n),Wa=(e,t,n,r)=>({set _(r){W(e,t,r,n)},get _(){return U(e,t,r)}}),Ga,Ka,qa,Ja,Ya,Xa,Za,Qa,$a,eo,to=class{constructor(e,t,n){Ua(this,Ga,void 0),Ua(this,Ka,void 0),Ua(this,qa,void 0),Ua(this,Ja,void 0),Ua(this,Ya,void 0),Ua(this,Xa,void 0),Ua(this,Za,void 0),Ua(this,Qa,void 0),Ua(this,$a,0),Ua(this,eo,(e=performance.now())=>{W(this,$a,requestAnimationFrame(U(this,eo))),W(this,Ja,performance.now()-U(this,qa));let t=1e3/this.fps;if(U(this,Ja)>t){W(this,qa,e-U(this,Ja)%t);let n=1e3/((e-U(this,Ka))/++Wa(this,Ya)._),r=(e-U(this,Xa))/1e3/this.duration,i=U(this,Za)+r*this.playbackRate;i-U(this,Ga).valueAsNumber>0?W(this,Qa,this.playbackRate/this.duration/n):(W(this,Qa,.995*U(this,Qa)),i=U(this,Ga).valueAsNumber+U(this,Qa)),this.callback(i)}}),W(this,Ga,e),this.callback=t,this.fps=n}start(){U(this,$a)===0&&(W(this,qa,performance.now()),W(this,Ka,U(this,qa)),W(this,Ya,0),U(this,eo).call(this))}stop(){U(this,$a)!==0&&(cancelAnimationFrame(U(this,$a)),W(this,$a,0))}update({start:e,duration:t,playbackRate:n}){let r=e-U(this,Ga).valueAsNumber,i=Math.abs(t-this.duration);(r>0||r<-.5/t||i>=.5)&&this.callback(e),W(this,Za,e),W(this,Xa,performance.now()),this.duration=t,this.playbackRate=n}};Ga=new WeakMap,Ka=new WeakMap,qa=new WeakMap,Ja=new WeakMap,Ya=new WeakMap,Xa=new WeakMap,Za=new WeakMap,Qa=new WeakMap,$a=new WeakMap,eo=new WeakMap;var no=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},G=(e,t,n)=>(no(e,t,`read from private field`),n?n.call(e):t.get(e)),K=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},q=(e,t,n,r)=>(no(e,t,`write to private field`),r?r.call(e,n):t.set(e,n),n),J=(e,t,n)=>(no(e,t,`access private method`),n),ro,io,ao,oo,so,co,lo,uo,fo,po,mo,ho,go,_o,vo,yo,bo,xo,So,Co,wo,To,Eo,Do,Oo,ko,Ao=e=>{let t=e.range,n=Oa(+No(e)),r=Oa(+e.mediaSeekableEnd),i=n&&r?k(`{currentTime} of {totalTime}`,{currentTime:n,totalTime:r}):k(`video not loaded, unknown time.`);t.setAttribute(`aria-valuetext`,i)};function jo(e){return`
    <style>
      :host {
        --media-box-border-radius: 4px;
        --media-box-padding-left: 10px;
        --media-box-padding-right: 10px;
        --media-preview-border-radius: var(--media-box-border-radius);
        --media-box-arrow-offset: var(--media-box-border-radius);
        --_control-background: var(--media-control-background, var(--media-secondary-color, rgb(20 20 30 / .7)));
        --_preview-background: var(--media-preview-background, var(--_control-background));

        
        contain: layout;
      }

      #buffered {
        background: var(--media-time-range-buffered-color, rgb(255 255 255 / .4));
        position: absolute;
        height: 100%;
        will-change: width;
      }

      #preview-rail,
      #current-rail {
        width: 100%;
        position: absolute;
        left: 0;
        bottom: 100%;
        pointer-events: none;
        will-change: transform;
      }

      [part~="box"] {
        width: min-content;
        
        position: absolute;
        bottom: 100%;
        flex-direction: column;
        align-items: center;
        transform: translateX(-50%);
      }

      [part~="current-box"] {
        display: var(--media-current-box-display, var(--media-box-display, flex));
        margin: var(--media-current-box-margin, var(--media-box-margin, 0 0 5px));
        visibility: hidden;
      }

      [part~="preview-box"] {
        display: var(--media-preview-box-display, var(--media-box-display, flex));
        margin: var(--media-preview-box-margin, var(--media-box-margin, 0 0 5px));
        transition-property: var(--media-preview-transition-property, visibility, opacity);
        transition-duration: var(--media-preview-transition-duration-out, .25s);
        transition-delay: var(--media-preview-transition-delay-out, 0s);
        visibility: hidden;
        opacity: 0;
      }

      :host(:is([${g.MEDIA_PREVIEW_IMAGE}], [${g.MEDIA_PREVIEW_TIME}])[dragging]) [part~="preview-box"] {
        transition-duration: var(--media-preview-transition-duration-in, .5s);
        transition-delay: var(--media-preview-transition-delay-in, .25s);
        visibility: visible;
        opacity: 1;
      }

      @media (hover: hover) {
        :host(:is([${g.MEDIA_PREVIEW_IMAGE}], [${g.MEDIA_PREVIEW_TIME}]):hover) [part~="preview-box"] {
          transition-duration: var(--media-preview-transition-duration-in, .5s);
          transition-delay: var(--media-preview-transition-delay-in, .25s);
          visibility: visible;
          opacity: 1;
        }
      }

      media-preview-thumbnail,
      ::slotted(media-preview-thumbnail) {
        visibility: hidden;
        
        transition: visibility 0s .25s;
        transition-delay: calc(var(--media-preview-transition-delay-out, 0s) + var(--media-preview-transition-duration-out, .25s));
        background: var(--media-preview-thumbnail-background, var(--_preview-background));
        box-shadow: var(--media-preview-thumbnail-box-shadow, 0 0 4px rgb(0 0 0 / .2));
        max-width: var(--media-preview-thumbnail-max-width, 180px);
        max-height: var(--media-preview-thumbnail-max-height, 160px);
        min-width: var(--media-preview-thumbnail-min-width, 120px);
        min-height: var(--media-preview-thumbnail-min-height, 80px);
        border: var(--media-preview-thumbnail-border);
        border-radius: var(--media-preview-thumbnail-border-radius,
          var(--media-preview-border-radius) var(--media-preview-border-radius) 0 0);
      }

      :host([${g.MEDIA_PREVIEW_IMAGE}][dragging]) media-preview-thumbnail,
      :host([${g.MEDIA_PREVIEW_IMAGE}][dragging]) ::slotted(media-preview-thumbnail) {
        transition-delay: var(--media-preview-transition-delay-in, .25s);
        visibility: visible;
      }

      @media (hover: hover) {
        :host([${g.MEDIA_PREVIEW_IMAGE}]:hover) media-preview-thumbnail,
        :host([${g.MEDIA_PREVIEW_IMAGE}]:hover) ::slotted(media-preview-thumbnail) {
          transition-delay: var(--media-preview-transition-delay-in, .25s);
          visibility: visible;
        }

        :host([${g.MEDIA_PREVIEW_TIME}]:hover) {
          --media-time-range-hover-display: block;
        }
      }

      media-preview-chapter-display,
      ::slotted(media-preview-chapter-display) {
        font-size: var(--media-font-size, 13px);
        line-height: 17px;
        min-width: 0;
        visibility: hidden;
        
        transition: min-width 0s, border-radius 0s, margin 0s, padding 0s, visibility 0s;
        transition-delay: calc(var(--media-preview-transition-delay-out, 0s) + var(--media-preview-transition-duration-out, .25s));
        background: var(--media-preview-chapter-background, var(--_preview-background));
        border-radius: var(--media-preview-chapter-border-radius,
          var(--media-preview-border-radius) var(--media-preview-border-radius)
          var(--media-preview-border-radius) var(--media-preview-border-radius));
        padding: var(--media-preview-chapter-padding, 3.5px 9px);
        margin: var(--media-preview-chapter-margin, 0 0 5px);
        text-shadow: var(--media-preview-chapter-text-shadow, 0 0 4px rgb(0 0 0 / .75));
      }

      :host([${g.MEDIA_PREVIEW_IMAGE}]) media-preview-chapter-display,
      :host([${g.MEDIA_PREVIEW_IMAGE}]) ::slotted(media-preview-chapter-display) {
        transition-delay: var(--media-preview-transition-delay-in, .25s);
        border-radius: var(--media-preview-chapter-border-radius, 0);
        padding: var(--media-preview-chapter-padding, 3.5px 9px 0);
        margin: var(--media-preview-chapter-margin, 0);
        min-width: 100%;
      }

      media-preview-chapter-display[${g.MEDIA_PREVIEW_CHAPTER}],
      ::slotted(media-preview-chapter-display[${g.MEDIA_PREVIEW_CHAPTER}]) {
        visibility: visible;
      }

      media-preview-chapter-display:not([aria-valuetext]),
      ::slotted(media-preview-chapter-display:not([aria-valuetext])) {
        display: none;
      }

      media-preview-time-display,
      ::slotted(media-preview-time-display),
      media-time-display,
      ::slotted(media-time-display) {
        font-size: var(--media-font-size, 13px);
        line-height: 17px;
        min-width: 0;
        
        transition: min-width 0s, border-radius 0s;
        transition-delay: calc(var(--media-preview-transition-delay-out, 0s) + var(--media-preview-transition-duration-out, .25s));
        background: var(--media-preview-time-background, var(--_preview-background));
        border-radius: var(--media-preview-time-border-radius,
          var(--media-preview-border-radius) var(--media-preview-border-radius)
          var(--media-preview-border-radius) var(--media-preview-border-radius));
        padding: var(--media-preview-time-padding, 3.5px 9px);
        margin: var(--media-preview-time-margin, 0);
        text-shadow: var(--media-preview-time-text-shadow, 0 0 4px rgb(0 0 0 / .75));
        transform: translateX(min(
          max(calc(50% - var(--_box-width) / 2),
          calc(var(--_box-shift, 0))),
          calc(var(--_box-width) / 2 - 50%)
        ));
      }

      :host([${g.MEDIA_PREVIEW_IMAGE}]) media-preview-time-display,
      :host([${g.MEDIA_PREVIEW_IMAGE}]) ::slotted(media-preview-time-display) {
        transition-delay: var(--media-preview-transition-delay-in, .25s);
        border-radius: var(--media-preview-time-border-radius,
          0 0 var(--media-preview-border-radius) var(--media-preview-border-radius));
        min-width: 100%;
      }

      :host([${g.MEDIA_PREVIEW_TIME}]:hover) {
        --media-time-range-hover-display: block;
      }

      [part~="arrow"],
      ::slotted([part~="arrow"]) {
        display: var(--media-box-arrow-display, inline-block);
        transform: translateX(min(
          max(calc(50% - var(--_box-width) / 2 + var(--media-box-arrow-offset)),
          calc(var(--_box-shift, 0))),
          calc(var(--_box-width) / 2 - 50% - var(--media-box-arrow-offset))
        ));
        
        border-color: transparent;
        border-top-color: var(--media-box-arrow-background, var(--_control-background));
        border-width: var(--media-box-arrow-border-width,
          var(--media-box-arrow-height, 5px) var(--media-box-arrow-width, 6px) 0);
        border-style: solid;
        justify-content: center;
        height: 0;
      }
    </style>
    <div id="preview-rail">
      <slot name="preview" part="box preview-box">
        <media-preview-thumbnail>
          <template shadowrootmode="${_a.shadowRootOptions.mode}">
            ${_a.getTemplateHTML({})}
          </template>
        </media-preview-thumbnail>
        <media-preview-chapter-display></media-preview-chapter-display>
        <media-preview-time-display></media-preview-time-display>
        <slot name="preview-arrow"><div part="arrow"></div></slot>
      </slot>
    </div>
    <div id="current-rail">
      <slot name="current" part="box current-box">
        
      </slot>
    </div>
  `}var Mo=(e,t=e.mediaCurrentTime)=>{let n=Number.isFinite(e.mediaSeekableStart)?e.mediaSeekableStart:0,r=Number.isFinite(e.mediaDuration)?e.mediaDuration:e.mediaSeekableEnd;if(Number.isNaN(r))return 0;let i=(t-n)/(r-n);return Math.max(0,Math.min(i,1))},No=(e,t=e.range.valueAsNumber)=>{let n=Number.isFinite(e.mediaSeekableStart)?e.mediaSeekableStart:0,r=Number.isFinite(e.mediaDuration)?e.mediaDuration:e.mediaSeekableEnd;return Number.isNaN(r)?0:t*(r-n)+n},Po=class extends ta{constructor(){super(),K(this,ho),K(this,vo),K(this,bo),K(this,So),K(this,wo),K(this,Eo),K(this,Oo),K(this,ro,null),K(this,io,void 0),K(this,ao,void 0),K(this,oo,void 0),K(this,so,void 0),K(this,co,void 0),K(this,lo,void 0),K(this,uo,void 0),K(this,fo,void 0),K(this,po,void 0),K(this,mo,()=>{J(this,ho,go).call(this)?G(this,io).start():G(this,io).stop()}),K(this,_o,e=>{this.dragging||(cn(e)&&(this.range.valueAsNumber=e),G(this,po)||this.updateBar())}),this.shadowRoot.querySelector(`#track`).insertAdjacentHTML(`afterbegin`,`<div id="buffered" part="buffered"></div>`),q(this,ao,this.shadowRoot.querySelectorAll(`[part~="box"]`)),q(this,so,this.shadowRoot.querySelector(`[part~="preview-box"]`)),q(this,co,this.shadowRoot.querySelector(`[part~="current-box"]`));let e=getComputedStyle(this);q(this,lo,parseInt(e.getPropertyValue(`--media-box-padding-left`))),q(this,uo,parseInt(e.getPropertyValue(`--media-box-padding-right`))),q(this,io,new to(this.range,G(this,_o),60))}static get observedAttributes(){return[...super.observedAttributes,g.MEDIA_PAUSED,g.MEDIA_DURATION,g.MEDIA_SEEKABLE,g.MEDIA_CURRENT_TIME,g.MEDIA_PREVIEW_IMAGE,g.MEDIA_PREVIEW_TIME,g.MEDIA_PREVIEW_CHAPTER,g.MEDIA_BUFFERED,g.MEDIA_PLAYBACK_RATE,g.MEDIA_LOADING,g.MEDIA_ENDED]}connectedCallback(){var e;super.connectedCallback(),this.range.setAttribute(`aria-label`,k(`seek`)),G(this,mo).call(this),q(this,ro,this.getRootNode()),(e=G(this,ro))==null||e.addEventListener(`transitionstart`,this)}disconnectedCallback(){var e;super.disconnectedCallback(),G(this,io).stop(),(e=G(this,ro))==null||e.removeEventListener(`transitionstart`,this),q(this,ro,null)}attributeChangedCallback(e,t,n){super.attributeChangedCallback(e,t,n),t!=n&&(e===g.MEDIA_CURRENT_TIME||e===g.MEDIA_PAUSED||e===g.MEDIA_ENDED||e===g.MEDIA_LOADING||e===g.MEDIA_DURATION||e===g.MEDIA_SEEKABLE?(G(this,io).update({start:Mo(this),duration:this.mediaSeekableEnd-this.mediaSeekableStart,playbackRate:this.mediaPlaybackRate}),G(this,mo).call(this),Ao(this)):e===g.MEDIA_BUFFERED&&this.updateBufferedBar(),(e===g.MEDIA_DURATION||e===g.MEDIA_SEEKABLE)&&(this.mediaChaptersCues=G(this,fo),this.updateBar()))}get mediaChaptersCues(){return G(this,fo)}set mediaChaptersCues(e){q(this,fo,e),this.updateSegments(G(this,fo)?.map(e=>({start:Mo(this,e.startTime),end:Mo(this,e.endTime)})))}get mediaPaused(){return w(this,g.MEDIA_PAUSED)}set mediaPaused(e){T(this,g.MEDIA_PAUSED,e)}get mediaLoading(){return w(this,g.MEDIA_LOADING)}set mediaLoading(e){T(this,g.MEDIA_LOADING,e)}get mediaDuration(){return S(this,g.MEDIA_DURATION)}set mediaDuration(e){C(this,g.MEDIA_DURATION,e)}get mediaCurrentTime(){return S(this,g.MEDIA_CURRENT_TIME)}set mediaCurrentTime(e){C(this,g.MEDIA_CURRENT_TIME,e)}get mediaPlaybackRate(){return S(this,g.MEDIA_PLAYBACK_RATE,1)}set mediaPlaybackRate(e){C(this,g.MEDIA_PLAYBACK_RATE,e)}get mediaBuffered(){let e=this.getAttribute(g.MEDIA_BUFFERED);return e?e.split(` `).map(e=>e.split(`:`).map(e=>+e)):[]}set mediaBuffered(e){if(!e){this.removeAttribute(g.MEDIA_BUFFERED);return}let t=e.map(e=>e.join(`:`)).join(` `);this.setAttribute(g.MEDIA_BUFFERED,t)}get mediaSeekable(){let e=this.getAttribute(g.MEDIA_SEEKABLE);if(e)return e.split(`:`).map(e=>+e)}set mediaSeekable(e){e==null?this.removeAttribute(g.MEDIA_SEEKABLE):this.setAttribute(g.MEDIA_SEEKABLE,e.join(`:`))}get mediaSeekableEnd(){let[,e=this.mediaDuration]=this.mediaSeekable??[];return e}get mediaSeekableStart(){let[e=0]=this.mediaSeekable??[];return e}get mediaPreviewImage(){return E(this,g.MEDIA_PREVIEW_IMAGE)}set mediaPreviewImage(e){D(this,g.MEDIA_PREVIEW_IMAGE,e)}get mediaPreviewTime(){return S(this,g.MEDIA_PREVIEW_TIME)}set mediaPreviewTime(e){C(this,g.MEDIA_PREVIEW_TIME,e)}get mediaEnded(){return w(this,g.MEDIA_ENDED)}set mediaEnded(e){T(this,g.MEDIA_ENDED,e)}updateBar(){super.updateBar(),this.updateBufferedBar(),this.updateCurrentBox()}updateBufferedBar(){let e=this.mediaBuffered;if(!e.length)return;let t;if(this.mediaEnded)t=1;else{let n=this.mediaCurrentTime,[,r=this.mediaSeekableStart]=e.find(([e,t])=>e<=n&&n<=t)??[];t=Mo(this,r)}let{style:n}=x(this.shadowRoot,`#buffered`);n.setProperty(`width`,`${t*100}%`)}updateCurrentBox(){if(!this.shadowRoot.querySelector(`slot[name="current"]`).assignedElements().length)return;let e=x(this.shadowRoot,`#current-rail`),t=x(this.shadowRoot,`[part~="current-box"]`),n=J(this,vo,yo).call(this,G(this,co)),r=J(this,bo,xo).call(this,n,this.range.valueAsNumber),i=J(this,So,Co).call(this,n,this.range.valueAsNumber);e.style.transform=`translateX(${r})`,e.style.setProperty(`--_range-width`,`${n.range.width}`),t.style.setProperty(`--_box-shift`,`${i}`),t.style.setProperty(`--_box-width`,`${n.box.width}px`),t.style.setProperty(`visibility`,`initial`)}handleEvent(e){switch(super.handleEvent(e),e.type){case`input`:J(this,Oo,ko).call(this);break;case`pointermove`:J(this,wo,To).call(this,e);break;case`pointerup`:G(this,po)&&q(this,po,!1);break;case`pointerdown`:q(this,po,!0);break;case`pointerleave`:J(this,Eo,Do).call(this,null);break;case`transitionstart`:pe(e.target,this)&&setTimeout(()=>G(this,mo).call(this),0)}}};ro=new WeakMap,io=new WeakMap,ao=new WeakMap,oo=new WeakMap,so=new WeakMap,co=new WeakMap,lo=new WeakMap,uo=new WeakMap,fo=new WeakMap,po=new WeakMap,mo=new WeakMap,ho=new WeakSet,go=function(){return this.isConnected&&!this.mediaPaused&&!this.mediaLoading&&!this.mediaEnded&&this.mediaSeekableEnd>0&&_e(this)},_o=new WeakMap,vo=new WeakSet,yo=function(e){let t=((this.getAttribute(`bounds`)?me(this,`#${this.getAttribute(`bounds`)}`):this.parentElement)??this).getBoundingClientRect(),n=this.range.getBoundingClientRect(),r=e.offsetWidth;return{box:{width:r,min:-(n.left-t.left-r/2),max:t.right-n.left-r/2},bounds:t,range:n}},bo=new WeakSet,xo=function(e,t){let n=`${t*100}%`,{width:r,min:i,max:a}=e.box;if(!r)return n;if(Number.isNaN(i)||(n=`max(${`calc(1 / var(--_range-width) * 100 * ${i}% + var(--media-box-padding-left))`}, ${n})`),!Number.isNaN(a)){let e=`calc(1 / var(--_range-width) * 100 * ${a}% - var(--media-box-padding-right))`;n=`min(${n}, ${e})`}return n},So=new WeakSet,Co=function(e,t){let{width:n,min:r,max:i}=e.box,a=t*e.range.width;if(a<r+G(this,lo)){let t=e.range.left-e.bounds.left-G(this,lo);return`${a-n/2+t}px`}if(a>i-G(this,uo)){let t=e.bounds.right-e.range.right-G(this,uo);return`${a+n/2-t-e.range.width}px`}return 0},wo=new WeakSet,To=function(e){let t=[...G(this,ao)].some(t=>e.composedPath().includes(t));if(!this.dragging&&(t||!e.composedPath().includes(this))){J(this,Eo,Do).call(this,null);return}let n=this.mediaSeekableEnd;if(!n)return;let r=x(this.shadowRoot,`#preview-rail`),i=x(this.shadowRoot,`[part~="preview-box"]`),a=J(this,vo,yo).call(this,G(this,so)),o=(e.clientX-a.range.left)/a.range.width;o=Math.max(0,Math.min(1,o));let s=J(this,bo,xo).call(this,a,o),c=J(this,So,Co).call(this,a,o);r.style.transform=`translateX(${s})`,r.style.setProperty(`--_range-width`,`${a.range.width}`),i.style.setProperty(`--_box-shift`,`${c}`),i.style.setProperty(`--_box-width`,`${a.box.width}px`);let l=Math.round(G(this,oo))-Math.round(o*n);Math.abs(l)<1&&o>.01&&o<.99||(q(this,oo,o*n),J(this,Eo,Do).call(this,G(this,oo)))},Eo=new WeakSet,Do=function(e){this.dispatchEvent(new d.CustomEvent(p.MEDIA_PREVIEW_REQUEST,{composed:!0,bubbles:!0,detail:e}))},Oo=new WeakSet,ko=function(){G(this,io).stop();let e=No(this);this.dispatchEvent(new d.CustomEvent(p.MEDIA_SEEK_REQUEST,{composed:!0,bubbles:!0,detail:e}))},Po.shadowRootOptions={mode:`open`},Po.getContainerTemplateHTML=jo,d.customElements.get(`media-time-range`)||d.customElements.define(`media-time-range`,Po);var Fo=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},Io=(e,t,n)=>(Fo(e,t,`read from private field`),n?n.call(e):t.get(e)),Lo=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},Ro=(e,t,n,r)=>(Fo(e,t,`write to private field`),r?r.call(e,n):t.set(e,n),n),zo=(e,t,n)=>(Fo(e,t,`access private method`),n),Bo,Vo,Ho,Uo,Wo,Go,Ko,qo,Jo,Yo,Xo,Zo={REMAINING:`remaining`,SHOW_DURATION:`showduration`,NO_TOGGLE:`notoggle`},Qo=[...Object.values(Zo),g.MEDIA_CURRENT_TIME,g.MEDIA_DURATION,g.MEDIA_SEEKABLE],$o=[`Enter`,` `],es=`&nbsp;/&nbsp;`,ts=(e,{timesSep:t=es}={})=>{let n=e.mediaCurrentTime??0,[,r]=e.mediaSeekable??[],i=0;Number.isFinite(e.mediaDuration)?i=e.mediaDuration:Number.isFinite(r)&&(i=r);let a=e.remaining?ka(0-(i-n)):ka(n);return e.showDuration?`${a}${t}${ka(i)}`:a},ns=e=>{let t=e.mediaCurrentTime,[,n]=e.mediaSeekable??[],r=null;if(Number.isFinite(e.mediaDuration)?r=e.mediaDuration:Number.isFinite(n)&&(r=n),t==null||r===null){e.setAttribute(`aria-description`,k(`video not loaded, unknown time.`));return}let i=e.remaining?Oa(0-(r-t)):Oa(t);if(!e.showDuration){e.setAttribute(`aria-description`,i);return}let a=k(`{currentTime} of {totalTime}`,{currentTime:i,totalTime:Oa(r)});e.setAttribute(`aria-description`,a)};function rs(e,t){return`
    <slot>${ts(t)}</slot>
  `}var is=e=>{e.setAttribute(`aria-label`,k(`playback time`))},as=class extends Ta{constructor(){super(),Lo(this,Uo),Lo(this,Go),Lo(this,qo),Lo(this,Yo),Lo(this,Bo,void 0),Lo(this,Vo,null),Lo(this,Ho,e=>{let{metaKey:t,altKey:n,key:r}=e;t||n||!$o.includes(r)?this.removeEventListener(`keyup`,Io(this,Vo)):this.addEventListener(`keyup`,Io(this,Vo))}),Ro(this,Bo,this.shadowRoot.querySelector(`slot`)),Io(this,Bo).innerHTML=`${ts(this)}`}static get observedAttributes(){return[...super.observedAttributes,...Qo,`disabled`]}connectedCallback(){let{style:e}=x(this.shadowRoot,`:host(:hover:not([notoggle]))`);e.setProperty(`cursor`,`var(--media-cursor, pointer)`),e.setProperty(`background`,`var(--media-control-hover-background, rgba(50 50 70 / .7))`),this.setAttribute(`aria-label`,k(`playback time`)),zo(this,qo,Jo).call(this),super.connectedCallback()}toggleTimeDisplay(){this.noToggle||(this.hasAttribute(`remaining`)?this.removeAttribute(`remaining`):this.setAttribute(`remaining`,``))}disconnectedCallback(){this.disable(),zo(this,Go,Ko).call(this),super.disconnectedCallback()}attributeChangedCallback(e,t,n){is(this),Qo.includes(e)?this.update():e===`disabled`&&n!==t?n==null?zo(this,qo,Jo).call(this):zo(this,Yo,Xo).call(this):e===Zo.NO_TOGGLE&&n!==t&&(this.noToggle?zo(this,Yo,Xo).call(this):zo(this,qo,Jo).call(this)),super.attributeChangedCallback(e,t,n)}enable(){this.noToggle||(this.tabIndex=0)}disable(){this.tabIndex=-1}get remaining(){return w(this,Zo.REMAINING)}set remaining(e){T(this,Zo.REMAINING,e)}get showDuration(){return w(this,Zo.SHOW_DURATION)}set showDuration(e){T(this,Zo.SHOW_DURATION,e)}get noToggle(){return w(this,Zo.NO_TOGGLE)}set noToggle(e){T(this,Zo.NO_TOGGLE,e)}get mediaDuration(){return S(this,g.MEDIA_DURATION)}set mediaDuration(e){C(this,g.MEDIA_DURATION,e)}get mediaCurrentTime(){return S(this,g.MEDIA_CURRENT_TIME)}set mediaCurrentTime(e){C(this,g.MEDIA_CURRENT_TIME,e)}get mediaSeekable(){let e=this.getAttribute(g.MEDIA_SEEKABLE);if(e)return e.split(`:`).map(e=>+e)}set mediaSeekable(e){e==null?this.removeAttribute(g.MEDIA_SEEKABLE):this.setAttribute(g.MEDIA_SEEKABLE,e.join(`:`))}update(){let e=ts(this);ns(this),e!==Io(this,Bo).innerHTML&&(Io(this,Bo).innerHTML=e)}};Bo=new WeakMap,Vo=new WeakMap,Ho=new WeakMap,Uo=new WeakSet,Wo=function(){Io(this,Vo)||(Ro(this,Vo,e=>{let{key:t}=e;$o.includes(t)?this.toggleTimeDisplay():this.removeEventListener(`keyup`,Io(this,Vo))}),this.addEventListener(`keydown`,Io(this,Ho)),this.addEventListener(`click`,this.toggleTimeDisplay))},Go=new WeakSet,Ko=function(){Io(this,Vo)&&(this.removeEventListener(`keyup`,Io(this,Vo)),this.removeEventListener(`keydown`,Io(this,Ho)),this.removeEventListener(`click`,this.toggleTimeDisplay),Ro(this,Vo,null))},qo=new WeakSet,Jo=function(){!this.noToggle&&!this.hasAttribute(`disabled`)&&(this.setAttribute(`role`,`button`),this.enable(),zo(this,Uo,Wo).call(this))},Yo=new WeakSet,Xo=function(){this.removeAttribute(`role`),this.disable(),zo(this,Go,Ko).call(this)},as.getSlotTemplateHTML=rs,d.customElements.get(`media-time-display`)||d.customElements.define(`media-time-display`,as);var os=`<svg aria-hidden="true" viewBox="0 0 26 24">
  <path d="M22.83 5.68a2.58 2.58 0 0 0-2.3-2.5c-3.62-.24-11.44-.24-15.06 0a2.58 2.58 0 0 0-2.3 2.5c-.23 4.21-.23 8.43 0 12.64a2.58 2.58 0 0 0 2.3 2.5c3.62.24 11.44.24 15.06 0a2.58 2.58 0 0 0 2.3-2.5c.23-4.21.23-8.43 0-12.64Zm-11.39 9.45a3.07 3.07 0 0 1-1.91.57 3.06 3.06 0 0 1-2.34-1 3.75 3.75 0 0 1-.92-2.67 3.92 3.92 0 0 1 .92-2.77 3.18 3.18 0 0 1 2.43-1 2.94 2.94 0 0 1 2.13.78c.364.359.62.813.74 1.31l-1.43.35a1.49 1.49 0 0 0-1.51-1.17 1.61 1.61 0 0 0-1.29.58 2.79 2.79 0 0 0-.5 1.89 3 3 0 0 0 .49 1.93 1.61 1.61 0 0 0 1.27.58 1.48 1.48 0 0 0 1-.37 2.1 2.1 0 0 0 .59-1.14l1.4.44a3.23 3.23 0 0 1-1.07 1.69Zm7.22 0a3.07 3.07 0 0 1-1.91.57 3.06 3.06 0 0 1-2.34-1 3.75 3.75 0 0 1-.92-2.67 3.88 3.88 0 0 1 .93-2.77 3.14 3.14 0 0 1 2.42-1 3 3 0 0 1 2.16.82 2.8 2.8 0 0 1 .73 1.31l-1.43.35a1.49 1.49 0 0 0-1.51-1.21 1.61 1.61 0 0 0-1.29.58A2.79 2.79 0 0 0 15 12a3 3 0 0 0 .49 1.93 1.61 1.61 0 0 0 1.27.58 1.44 1.44 0 0 0 1-.37 2.1 2.1 0 0 0 .6-1.15l1.4.44a3.17 3.17 0 0 1-1.1 1.7Z"/>
</svg>`,ss=`<svg aria-hidden="true" viewBox="0 0 26 24">
  <path d="M17.73 14.09a1.4 1.4 0 0 1-1 .37 1.579 1.579 0 0 1-1.27-.58A3 3 0 0 1 15 12a2.8 2.8 0 0 1 .5-1.85 1.63 1.63 0 0 1 1.29-.57 1.47 1.47 0 0 1 1.51 1.2l1.43-.34A2.89 2.89 0 0 0 19 9.07a3 3 0 0 0-2.14-.78 3.14 3.14 0 0 0-2.42 1 3.91 3.91 0 0 0-.93 2.78 3.74 3.74 0 0 0 .92 2.66 3.07 3.07 0 0 0 2.34 1 3.07 3.07 0 0 0 1.91-.57 3.17 3.17 0 0 0 1.07-1.74l-1.4-.45c-.083.43-.3.822-.62 1.12Zm-7.22 0a1.43 1.43 0 0 1-1 .37 1.58 1.58 0 0 1-1.27-.58A3 3 0 0 1 7.76 12a2.8 2.8 0 0 1 .5-1.85 1.63 1.63 0 0 1 1.29-.57 1.47 1.47 0 0 1 1.51 1.2l1.43-.34a2.81 2.81 0 0 0-.74-1.32 2.94 2.94 0 0 0-2.13-.78 3.18 3.18 0 0 0-2.43 1 4 4 0 0 0-.92 2.78 3.74 3.74 0 0 0 .92 2.66 3.07 3.07 0 0 0 2.34 1 3.07 3.07 0 0 0 1.91-.57 3.23 3.23 0 0 0 1.07-1.74l-1.4-.45a2.06 2.06 0 0 1-.6 1.07Zm12.32-8.41a2.59 2.59 0 0 0-2.3-2.51C18.72 3.05 15.86 3 13 3c-2.86 0-5.72.05-7.53.17a2.59 2.59 0 0 0-2.3 2.51c-.23 4.207-.23 8.423 0 12.63a2.57 2.57 0 0 0 2.3 2.5c1.81.13 4.67.19 7.53.19 2.86 0 5.72-.06 7.53-.19a2.57 2.57 0 0 0 2.3-2.5c.23-4.207.23-8.423 0-12.63Zm-1.49 12.53a1.11 1.11 0 0 1-.91 1.11c-1.67.11-4.45.18-7.43.18-2.98 0-5.76-.07-7.43-.18a1.11 1.11 0 0 1-.91-1.11c-.21-4.14-.21-8.29 0-12.43a1.11 1.11 0 0 1 .91-1.11C7.24 4.56 10 4.49 13 4.49s5.76.07 7.43.18a1.11 1.11 0 0 1 .91 1.11c.21 4.14.21 8.29 0 12.43Z"/>
</svg>`;function cs(e){return`
    <style>
      :host([aria-checked="true"]) slot[name=off] {
        display: none !important;
      }

      
      :host(:not([aria-checked="true"])) slot[name=on] {
        display: none !important;
      }

      :host([aria-checked="true"]) slot[name=tooltip-enable],
      :host(:not([aria-checked="true"])) slot[name=tooltip-disable] {
        display: none;
      }
    </style>

    <slot name="icon">
      <slot name="on">${os}</slot>
      <slot name="off">${ss}</slot>
    </slot>
  `}function ls(){return`
    <slot name="tooltip-enable">${k(`Enable captions`)}</slot>
    <slot name="tooltip-disable">${k(`Disable captions`)}</slot>
  `}var us=e=>{e.setAttribute(`aria-checked`,bn(e).toString())},ds=class extends B{static get observedAttributes(){return[...super.observedAttributes,g.MEDIA_SUBTITLES_LIST,g.MEDIA_SUBTITLES_SHOWING]}connectedCallback(){super.connectedCallback(),this.setAttribute(`role`,`button`),this.setAttribute(`aria-label`,k(`closed captions`)),us(this)}attributeChangedCallback(e,t,n){super.attributeChangedCallback(e,t,n),e===g.MEDIA_SUBTITLES_SHOWING&&us(this)}get mediaSubtitlesList(){return fs(this,g.MEDIA_SUBTITLES_LIST)}set mediaSubtitlesList(e){ps(this,g.MEDIA_SUBTITLES_LIST,e)}get mediaSubtitlesShowing(){return fs(this,g.MEDIA_SUBTITLES_SHOWING)}set mediaSubtitlesShowing(e){ps(this,g.MEDIA_SUBTITLES_SHOWING,e)}handleClick(){this.dispatchEvent(new d.CustomEvent(p.MEDIA_TOGGLE_SUBTITLES_REQUEST,{composed:!0,bubbles:!0}))}};ds.getSlotTemplateHTML=cs,ds.getTooltipContentHTML=ls;var fs=(e,t)=>{let n=e.getAttribute(t);return n?fn(n):[]},ps=(e,t,n)=>{if(!n?.length){e.removeAttribute(t);return}let r=hn(n);e.getAttribute(t)!==r&&e.setAttribute(t,r)};d.customElements.get(`media-captions-button`)||d.customElements.define(`media-captions-button`,ds);var ms=`<svg aria-hidden="true" viewBox="0 0 28 24">
  <path d="M24 3H4a1 1 0 0 0-1 1v16a1 1 0 0 0 1 1h20a1 1 0 0 0 1-1V4a1 1 0 0 0-1-1Zm-1 16H5V5h18v14Zm-3-8h-7v5h7v-5Z"/>
</svg>`;function hs(e){return`
    <style>
      :host([${g.MEDIA_IS_PIP}]) slot[name=icon] slot:not([name=exit]) {
        display: none !important;
      }

      :host(:not([${g.MEDIA_IS_PIP}])) slot[name=icon] slot:not([name=enter]) {
        display: none !important;
      }

      :host([${g.MEDIA_IS_PIP}]) slot[name=tooltip-enter],
      :host(:not([${g.MEDIA_IS_PIP}])) slot[name=tooltip-exit] {
        display: none;
      }
    </style>

    <slot name="icon">
      <slot name="enter">${ms}</slot>
      <slot name="exit">${ms}</slot>
    </slot>
  `}function gs(){return`
    <slot name="tooltip-enter">${k(`Enter picture in picture mode`)}</slot>
    <slot name="tooltip-exit">${k(`Exit picture in picture mode`)}</slot>
  `}var _s=e=>{let t=e.mediaIsPip?k(`exit picture in picture mode`):k(`enter picture in picture mode`);e.setAttribute(`aria-label`,t)},vs=class extends B{static get observedAttributes(){return[...super.observedAttributes,g.MEDIA_IS_PIP,g.MEDIA_PIP_UNAVAILABLE]}connectedCallback(){super.connectedCallback(),_s(this)}attributeChangedCallback(e,t,n){super.attributeChangedCallback(e,t,n),e===g.MEDIA_IS_PIP&&_s(this)}get mediaPipUnavailable(){return E(this,g.MEDIA_PIP_UNAVAILABLE)}set mediaPipUnavailable(e){D(this,g.MEDIA_PIP_UNAVAILABLE,e)}get mediaIsPip(){return w(this,g.MEDIA_IS_PIP)}set mediaIsPip(e){T(this,g.MEDIA_IS_PIP,e)}handleClick(){let e=this.mediaIsPip?p.MEDIA_EXIT_PIP_REQUEST:p.MEDIA_ENTER_PIP_REQUEST;this.dispatchEvent(new d.CustomEvent(e,{composed:!0,bubbles:!0}))}};vs.getSlotTemplateHTML=hs,vs.getTooltipContentHTML=gs,d.customElements.get(`media-pip-button`)||d.customElements.define(`media-pip-button`,vs);var ys=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},bs=(e,t,n)=>(ys(e,t,`read from private field`),n?n.call(e):t.get(e)),xs=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},Ss=(e,t,n,r)=>(ys(e,t,`write to private field`),r?r.call(e,n):t.set(e,n),n),Cs,ws=`<svg aria-hidden="true" viewBox="0 0 26 24">
  <path d="M16 3v2.5h3.5V9H22V3h-6ZM4 9h2.5V5.5H10V3H4v6Zm15.5 9.5H16V21h6v-6h-2.5v3.5ZM6.5 15H4v6h6v-2.5H6.5V15Z"/>
</svg>`,Ts=`<svg aria-hidden="true" viewBox="0 0 26 24">
  <path d="M18.5 6.5V3H16v6h6V6.5h-3.5ZM16 21h2.5v-3.5H22V15h-6v6ZM4 17.5h3.5V21H10v-6H4v2.5Zm3.5-11H4V9h6V3H7.5v3.5Z"/>
</svg>`;function Es(e){return`
    <style>
      :host([${g.MEDIA_IS_FULLSCREEN}]) slot[name=icon] slot:not([name=exit]) {
        display: none !important;
      }

      
      :host(:not([${g.MEDIA_IS_FULLSCREEN}])) slot[name=icon] slot:not([name=enter]) {
        display: none !important;
      }

      :host([${g.MEDIA_IS_FULLSCREEN}]) slot[name=tooltip-enter],
      :host(:not([${g.MEDIA_IS_FULLSCREEN}])) slot[name=tooltip-exit] {
        display: none;
      }
    </style>

    <slot name="icon">
      <slot name="enter">${ws}</slot>
      <slot name="exit">${Ts}</slot>
    </slot>
  `}function Ds(){return`
    <slot name="tooltip-enter">${k(`Enter fullscreen mode`)}</slot>
    <slot name="tooltip-exit">${k(`Exit fullscreen mode`)}</slot>
  `}var Os=e=>{let t=e.mediaIsFullscreen?k(`exit fullscreen mode`):k(`enter fullscreen mode`);e.setAttribute(`aria-label`,t)},ks=class extends B{constructor(){super(...arguments),xs(this,Cs,null)}static get observedAttributes(){return[...super.observedAttributes,g.MEDIA_IS_FULLSCREEN,g.MEDIA_FULLSCREEN_UNAVAILABLE]}connectedCallback(){super.connectedCallback(),Os(this)}attributeChangedCallback(e,t,n){super.attributeChangedCallback(e,t,n),e===g.MEDIA_IS_FULLSCREEN&&Os(this)}get mediaFullscreenUnavailable(){return E(this,g.MEDIA_FULLSCREEN_UNAVAILABLE)}set mediaFullscreenUnavailable(e){D(this,g.MEDIA_FULLSCREEN_UNAVAILABLE,e)}get mediaIsFullscreen(){return w(this,g.MEDIA_IS_FULLSCREEN)}set mediaIsFullscreen(e){T(this,g.MEDIA_IS_FULLSCREEN,e)}handleClick(e){Ss(this,Cs,e);let t=bs(this,Cs)instanceof PointerEvent,n=this.mediaIsFullscreen?new d.CustomEvent(p.MEDIA_EXIT_FULLSCREEN_REQUEST,{composed:!0,bubbles:!0}):new d.CustomEvent(p.MEDIA_ENTER_FULLSCREEN_REQUEST,{composed:!0,bubbles:!0,detail:t});this.dispatchEvent(n)}};Cs=new WeakMap,ks.getSlotTemplateHTML=Es,ks.getTooltipContentHTML=Ds,d.customElements.get(`media-fullscreen-button`)||d.customElements.define(`media-fullscreen-button`,ks);var As=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},js=(e,t,n)=>(As(e,t,`read from private field`),n?n.call(e):t.get(e)),Ms=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},Ns=(e,t,n,r)=>(As(e,t,`write to private field`),r?r.call(e,n):t.set(e,n),n),Ps,Fs,Is={LOADING_DELAY:`loadingdelay`,NO_AUTOHIDE:`noautohide`},Ls=500,Rs=`
<svg aria-hidden="true" viewBox="0 0 100 100">
  <path d="M73,50c0-12.7-10.3-23-23-23S27,37.3,27,50 M30.9,50c0-10.5,8.5-19.1,19.1-19.1S69.1,39.5,69.1,50">
    <animateTransform
       attributeName="transform"
       attributeType="XML"
       type="rotate"
       dur="1s"
       from="0 50 50"
       to="360 50 50"
       repeatCount="indefinite" />
  </path>
</svg>
`;function zs(e){return`
    <style>
      :host {
        display: var(--media-control-display, var(--media-loading-indicator-display, inline-block));
        vertical-align: middle;
        box-sizing: border-box;
        --_loading-indicator-delay: var(--media-loading-indicator-transition-delay, ${Ls}ms);
      }

      #status {
        color: rgba(0,0,0,0);
        width: 0px;
        height: 0px;
      }

      :host slot[name=icon] > *,
      :host ::slotted([slot=icon]) {
        opacity: var(--media-loading-indicator-opacity, 0);
        transition: opacity 0.15s;
      }

      :host([${g.MEDIA_LOADING}]:not([${g.MEDIA_PAUSED}])) slot[name=icon] > *,
      :host([${g.MEDIA_LOADING}]:not([${g.MEDIA_PAUSED}])) ::slotted([slot=icon]) {
        opacity: var(--media-loading-indicator-opacity, 1);
        transition: opacity 0.15s var(--_loading-indicator-delay);
      }

      :host #status {
        visibility: var(--media-loading-indicator-opacity, hidden);
        transition: visibility 0.15s;
      }

      :host([${g.MEDIA_LOADING}]:not([${g.MEDIA_PAUSED}])) #status {
        visibility: var(--media-loading-indicator-opacity, visible);
        transition: visibility 0.15s var(--_loading-indicator-delay);
      }

      svg, img, ::slotted(svg), ::slotted(img) {
        width: var(--media-loading-indicator-icon-width);
        height: var(--media-loading-indicator-icon-height, 100px);
        fill: var(--media-icon-color, var(--media-primary-color, rgb(238 238 238)));
        vertical-align: middle;
      }
    </style>

    <slot name="icon">${Rs}</slot>
    <div id="status" role="status" aria-live="polite">${k(`media loading`)}</div>
  `}var Bs=class extends d.HTMLElement{constructor(){if(super(),Ms(this,Ps,void 0),Ms(this,Fs,Ls),!this.shadowRoot){this.attachShadow(this.constructor.shadowRootOptions);let e=b(this.attributes);this.shadowRoot.innerHTML=this.constructor.getTemplateHTML(e)}}static get observedAttributes(){return[m.MEDIA_CONTROLLER,g.MEDIA_PAUSED,g.MEDIA_LOADING,Is.LOADING_DELAY]}attributeChangedCallback(e,t,n){var r,i,a,o;e===Is.LOADING_DELAY&&t!==n?this.loadingDelay=Number(n):e===m.MEDIA_CONTROLLER&&(t&&((i=(r=js(this,Ps))?.unassociateElement)==null||i.call(r,this),Ns(this,Ps,null)),n&&this.isConnected&&(Ns(this,Ps,this.getRootNode()?.getElementById(n)),(o=(a=js(this,Ps))?.associateElement)==null||o.call(a,this)))}connectedCallback(){var e,t;let n=this.getAttribute(m.MEDIA_CONTROLLER);n&&(Ns(this,Ps,this.getRootNode()?.getElementById(n)),(t=(e=js(this,Ps))?.associateElement)==null||t.call(e,this))}disconnectedCallback(){var e,t;(t=(e=js(this,Ps))?.unassociateElement)==null||t.call(e,this),Ns(this,Ps,null)}get loadingDelay(){return js(this,Fs)}set loadingDelay(e){Ns(this,Fs,e);let{style:t}=x(this.shadowRoot,`:host`);t.setProperty(`--_loading-indicator-delay`,`var(--media-loading-indicator-transition-delay, ${e}ms)`)}get mediaPaused(){return w(this,g.MEDIA_PAUSED)}set mediaPaused(e){T(this,g.MEDIA_PAUSED,e)}get mediaLoading(){return w(this,g.MEDIA_LOADING)}set mediaLoading(e){T(this,g.MEDIA_LOADING,e)}get mediaController(){return E(this,m.MEDIA_CONTROLLER)}set mediaController(e){D(this,m.MEDIA_CONTROLLER,e)}get noAutohide(){return w(this,Is.NO_AUTOHIDE)}set noAutohide(e){T(this,Is.NO_AUTOHIDE,e)}};Ps=new WeakMap,Fs=new WeakMap,Bs.shadowRootOptions={mode:`open`},Bs.getTemplateHTML=zs,d.customElements.get(`media-loading-indicator`)||d.customElements.define(`media-loading-indicator`,Bs);function Vs({anchor:e,floating:t,placement:n}){let{x:r,y:i}=Ws(Hs({anchor:e,floating:t}),n);return{x:r,y:i}}function Hs({anchor:e,floating:t}){return{anchor:Us(e,t.offsetParent),floating:{x:0,y:0,width:t.offsetWidth,height:t.offsetHeight}}}function Us(e,t){let n=e.getBoundingClientRect(),r=t?.getBoundingClientRect()??{x:0,y:0};return{x:n.x-r.x,y:n.y-r.y,width:n.width,height:n.height}}function Ws({anchor:e,floating:t},n){let r=Ks(n)===`x`?`y`:`x`,i=r===`y`?`height`:`width`,a=Gs(n),o=e.x+e.width/2-t.width/2,s=e.y+e.height/2-t.height/2,c=e[i]/2-t[i]/2,l;switch(a){case`top`:l={x:o,y:e.y-t.height};break;case`bottom`:l={x:o,y:e.y+e.height};break;case`right`:l={x:e.x+e.width,y:s};break;case`left`:l={x:e.x-t.width,y:s};break;default:l={x:e.x,y:e.y}}switch(n.split(`-`)[1]){case`start`:l[r]-=c;break;case`end`:l[r]+=c}return l}function Gs(e){return e.split(`-`)[0]}function Ks(e){return[`top`,`bottom`].includes(Gs(e))?`y`:`x`}var qs=class extends Event{constructor({action:e=`auto`,relatedTarget:t,...n}){super(`invoke`,n),this.action=e,this.relatedTarget=t}},Js=class extends Event{constructor({newState:e,oldState:t,...n}){super(`toggle`,n),this.newState=e,this.oldState=t}},Ys=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},Y=(e,t,n)=>(Ys(e,t,`read from private field`),n?n.call(e):t.get(e)),X=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},Z=(e,t,n,r)=>(Ys(e,t,`write to private field`),r?r.call(e,n):t.set(e,n),n),Q=(e,t,n)=>(Ys(e,t,`access private method`),n),Xs,Zs,Qs,$s,ec,tc,nc,rc,ic,ac,oc,sc,cc,lc,uc,dc,fc,pc,mc,hc,gc,_c,vc,yc,bc,xc,Sc,Cc,wc,Tc,Ec,Dc,Oc,kc,Ac,jc,Mc,Nc,Pc,Fc,Ic,Lc,Rc,zc,Bc,Vc;function Hc({type:e,text:t,value:n,checked:r}){let i=f.createElement(`media-chrome-menu-item`);i.type=e??``,i.part.add(`menu-item`),e&&i.part.add(e),i.value=n,i.checked=r;let a=f.createElement(`span`);return a.textContent=t,i.append(a),i}function Uc(e,t){let n=e.querySelector(`:scope > [slot="${t}"]`);if(n?.nodeName==`SLOT`&&(n=n.assignedElements({flatten:!0})[0]),n)return n=n.cloneNode(!0),n;let r=e.shadowRoot.querySelector(`[name="${t}"] > svg`);return r?r.cloneNode(!0):``}function Wc(e){return`
    <style>
      :host {
        font: var(--media-font,
          var(--media-font-weight, normal)
          var(--media-font-size, 14px) /
          var(--media-text-content-height, var(--media-control-height, 24px))
          var(--media-font-family, helvetica neue, segoe ui, roboto, arial, sans-serif));
        color: var(--media-text-color, var(--media-primary-color, rgb(238 238 238)));
        --_menu-bg: rgb(20 20 30 / .8);
        background: var(--media-menu-background, var(--media-control-background, var(--media-secondary-color, var(--_menu-bg))));
        border-radius: var(--media-menu-border-radius);
        border: var(--media-menu-border, none);
        display: var(--media-menu-display, inline-flex) !important;
        
        transition: var(--media-menu-transition-in,
          visibility 0s,
          opacity .2s ease-out,
          transform .15s ease-out,
          left .2s ease-in-out,
          min-width .2s ease-in-out,
          min-height .2s ease-in-out
        ) !important;
        
        visibility: var(--media-menu-visibility, visible);
        opacity: var(--media-menu-opacity, 1);
        max-height: var(--media-menu-max-height, var(--_menu-max-height, 300px));
        transform: var(--media-menu-transform-in, translateY(0) scale(1));
        flex-direction: column;
        
        min-height: 0;
        position: relative;
        bottom: var(--_menu-bottom);
        box-sizing: border-box;
      } 

      @-moz-document url-prefix() {
        :host{
          --_menu-bg: rgb(20 20 30);
        }
      }

      :host([hidden]) {
        transition: var(--media-menu-transition-out,
          visibility .15s ease-in,
          opacity .15s ease-in,
          transform .15s ease-in
        ) !important;
        visibility: var(--media-menu-hidden-visibility, hidden);
        opacity: var(--media-menu-hidden-opacity, 0);
        max-height: var(--media-menu-hidden-max-height,
          var(--media-menu-max-height, var(--_menu-max-height, 300px)));
        transform: var(--media-menu-transform-out, translateY(2px) scale(.99));
        pointer-events: none;
      }

      :host([slot="submenu"]) {
        background: none;
        width: 100%;
        min-height: 100%;
        position: absolute;
        bottom: 0;
        right: -100%;
      }

      #container {
        display: flex;
        flex-direction: column;
        min-height: 0;
        transition: transform .2s ease-out;
        transform: translate(0, 0);
      }

      #container.has-expanded {
        transition: transform .2s ease-in;
        transform: translate(-100%, 0);
      }

      button {
        background: none;
        color: inherit;
        border: none;
        padding: 0;
        font: inherit;
        outline: inherit;
        display: inline-flex;
        align-items: center;
      }

      slot[name="header"][hidden] {
        display: none;
      }

      slot[name="header"] > *,
      slot[name="header"]::slotted(*) {
        padding: .4em .7em;
        border-bottom: 1px solid rgb(255 255 255 / .25);
        cursor: var(--media-cursor, default);
      }

      slot[name="header"] > button[part~="back"],
      slot[name="header"]::slotted(button[part~="back"]) {
        cursor: var(--media-cursor, pointer);
      }

      svg[part~="back"] {
        height: var(--media-menu-icon-height, var(--media-control-height, 24px));
        fill: var(--media-icon-color, var(--media-primary-color, rgb(238 238 238)));
        display: block;
        margin-right: .5ch;
      }

      slot:not([name]) {
        gap: var(--media-menu-gap);
        flex-direction: var(--media-menu-flex-direction, column);
        overflow: var(--media-menu-overflow, hidden auto);
        display: flex;
        min-height: 0;
      }

      :host([role="menu"]) slot:not([name]) {
        padding-block: .4em;
      }

      slot:not([name])::slotted([role="menu"]) {
        background: none;
      }

      media-chrome-menu-item > span {
        margin-right: .5ch;
        max-width: var(--media-menu-item-max-width);
        text-overflow: ellipsis;
        overflow: hidden;
      }
    </style>
    <style id="layout-row" media="width:0">

      slot[name="header"] > *,
      slot[name="header"]::slotted(*) {
        padding: .4em .5em;
      }

      slot:not([name]) {
        gap: var(--media-menu-gap, .25em);
        flex-direction: var(--media-menu-flex-direction, row);
        padding-inline: .5em;
      }

      media-chrome-menu-item {
        padding: .3em .5em;
      }

      media-chrome-menu-item[aria-checked="true"] {
        background: var(--media-menu-item-checked-background, rgb(255 255 255 / .2));
      }

      
      media-chrome-menu-item::part(checked-indicator) {
        display: var(--media-menu-item-checked-indicator-display, none);
      }
    </style>
    <div id="container" part="container">
      <slot name="header" hidden>
        <button part="back button" aria-label="Back to previous menu">
          <slot name="back-icon">
            <svg aria-hidden="true" viewBox="0 0 20 24" part="back indicator">
              <path d="m11.88 17.585.742-.669-4.2-4.665 4.2-4.666-.743-.669-4.803 5.335 4.803 5.334Z"/>
            </svg>
          </slot>
          <slot name="title"></slot>
        </button>
      </slot>
      <slot></slot>
    </div>
    <slot name="checked-indicator" hidden></slot>
  `}var Gc={STYLE:`style`,HIDDEN:`hidden`,DISABLED:`disabled`,ANCHOR:`anchor`},Kc=class extends d.HTMLElement{constructor(){if(super(),X(this,rc),X(this,ac),X(this,cc),X(this,uc),X(this,fc),X(this,mc),X(this,vc),X(this,bc),X(this,Sc),X(this,wc),X(this,Ec),X(this,Oc),X(this,Ac),X(this,Mc),X(this,Pc),X(this,Ic),X(this,Rc),X(this,Bc),X(this,Xs,null),X(this,Zs,null),X(this,Qs,null),X(this,$s,new Set),X(this,ec,void 0),X(this,tc,!1),X(this,nc,null),X(this,sc,()=>{let e=Y(this,$s),t=new Set(this.items);for(let n of e)t.has(n)||this.dispatchEvent(new CustomEvent(`removemenuitem`,{detail:n}));for(let n of t)e.has(n)||this.dispatchEvent(new CustomEvent(`addmenuitem`,{detail:n}));Z(this,$s,t)}),X(this,gc,()=>{Q(this,vc,yc).call(this),Q(this,bc,xc).call(this,!1)}),X(this,_c,()=>{Q(this,vc,yc).call(this)}),!this.shadowRoot){this.attachShadow(this.constructor.shadowRootOptions);let e=b(this.attributes);this.shadowRoot.innerHTML=this.constructor.getTemplateHTML(e)}this.container=this.shadowRoot.querySelector(`#container`),this.defaultSlot=this.shadowRoot.querySelector(`slot:not([name])`),Z(this,ec,new MutationObserver(Y(this,sc)))}static get observedAttributes(){return[Gc.DISABLED,Gc.HIDDEN,Gc.STYLE,Gc.ANCHOR,m.MEDIA_CONTROLLER]}static formatMenuItemText(e,t){return e}enable(){this.addEventListener(`click`,this),this.addEventListener(`focusout`,this),this.addEventListener(`keydown`,this),this.addEventListener(`invoke`,this),this.addEventListener(`toggle`,this)}disable(){this.removeEventListener(`click`,this),this.removeEventListener(`focusout`,this),this.removeEventListener(`keyup`,this),this.removeEventListener(`invoke`,this),this.removeEventListener(`toggle`,this)}handleEvent(e){switch(e.type){case`slotchange`:Q(this,rc,ic).call(this,e);break;case`invoke`:Q(this,uc,dc).call(this,e);break;case`click`:Q(this,Sc,Cc).call(this,e);break;case`toggle`:Q(this,Ec,Dc).call(this,e);break;case`focusout`:Q(this,Ac,jc).call(this,e);break;case`keydown`:Q(this,Mc,Nc).call(this,e)}}connectedCallback(){var e,t;Y(this,ec).observe(this.defaultSlot,{childList:!0}),Z(this,nc,be(this.shadowRoot,`:host`)),Q(this,cc,lc).call(this),this.hasAttribute(`disabled`)||this.enable(),this.role||=`menu`,Z(this,Xs,fe(this)),(t=(e=Y(this,Xs))?.associateElement)==null||t.call(e,this),this.hidden||(le(Jc(this),Y(this,gc)),le(this,Y(this,_c))),Q(this,ac,oc).call(this),this.shadowRoot.addEventListener(`slotchange`,this)}disconnectedCallback(){var e,t;Y(this,ec).disconnect(),ue(Jc(this),Y(this,gc)),ue(this,Y(this,_c)),this.disable(),(t=(e=Y(this,Xs))?.unassociateElement)==null||t.call(e,this),Z(this,Xs,null),Z(this,Zs,null),Z(this,Qs,null),this.shadowRoot.removeEventListener(`slotchange`,this)}attributeChangedCallback(e,t,n){var r,i,a,o;e===Gc.HIDDEN&&n!==t?(Y(this,tc)||Z(this,tc,!0),this.hidden?Q(this,mc,hc).call(this):Q(this,fc,pc).call(this),this.dispatchEvent(new Js({oldState:this.hidden?`open`:`closed`,newState:this.hidden?`closed`:`open`,bubbles:!0}))):e===m.MEDIA_CONTROLLER?(t&&((i=(r=Y(this,Xs))?.unassociateElement)==null||i.call(r,this),Z(this,Xs,null)),n&&this.isConnected&&(Z(this,Xs,fe(this)),(o=(a=Y(this,Xs))?.associateElement)==null||o.call(a,this))):e===Gc.DISABLED&&n!==t?n==null?this.enable():this.disable():e===Gc.STYLE&&n!==t&&Q(this,cc,lc).call(this)}formatMenuItemText(e,t){return this.constructor.formatMenuItemText(e,t)}get anchor(){return this.getAttribute(`anchor`)}set anchor(e){this.setAttribute(`anchor`,`${e}`)}get anchorElement(){return this.anchor?ge(this)?.querySelector(`#${this.anchor}`):null}get items(){return this.defaultSlot.assignedElements({flatten:!0}).filter(qc)}get radioGroupItems(){return this.items.filter(e=>e.role===`menuitemradio`)}get checkedItems(){return this.items.filter(e=>e.checked)}get value(){return this.checkedItems[0]?.value??``}set value(e){let t=this.items.find(t=>t.value===e);t&&Q(this,Bc,Vc).call(this,t)}focus(){Z(this,Zs,he()),this.items.length?(Q(this,Rc,zc).call(this,this.items[0]),this.items[0].focus()):this.querySelector(`[autofocus], [tabindex]:not([tabindex="-1"]), [role="menu"]`)?.focus()}handleSelect(e){var t;let n=Q(this,Pc,Fc).call(this,e);n&&(Q(this,Bc,Vc).call(this,n,n.type===`checkbox`),Y(this,Qs)&&!this.hidden&&((t=Y(this,Zs))==null||t.focus(),this.hidden=!0))}get keysUsed(){return[`Enter`,`Escape`,`Tab`,` `,`ArrowDown`,`ArrowUp`,`Home`,`End`]}handleMove(e){let{key:t}=e,n=this.items,r=Q(this,Pc,Fc).call(this,e)??Q(this,Ic,Lc).call(this)??n[0],i=n.indexOf(r),a=Math.max(0,i);t===`ArrowDown`?a++:t===`ArrowUp`?a--:e.key===`Home`?a=0:e.key===`End`&&(a=n.length-1),a<0&&(a=n.length-1),a>n.length-1&&(a=0),Q(this,Rc,zc).call(this,n[a]),n[a].focus()}};Xs=new WeakMap,Zs=new WeakMap,Qs=new WeakMap,$s=new WeakMap,ec=new WeakMap,tc=new WeakMap,nc=new WeakMap,rc=new WeakSet,ic=function(e){let t=e.target;for(let e of t.assignedNodes({flatten:!0}))e.nodeType===3&&e.textContent.trim()===``&&e.remove();[`header`,`title`].includes(t.name)&&Q(this,ac,oc).call(this),t.name||Y(this,sc).call(this)},ac=new WeakSet,oc=function(){let e=this.shadowRoot.querySelector(`slot[name="header"]`);e.hidden=this.shadowRoot.querySelector(`slot[name="title"]`).assignedNodes().length===0&&e.assignedNodes().length===0},sc=new WeakMap,cc=new WeakSet,lc=function(){let e=this.shadowRoot.querySelector(`#layout-row`),t=getComputedStyle(this).getPropertyValue(`--media-menu-layout`)?.trim();e.setAttribute(`media`,t===`row`?``:`width:0`)},uc=new WeakSet,dc=function(e){Z(this,Qs,e.relatedTarget),pe(this,e.relatedTarget)||(this.hidden=!this.hidden)},fc=new WeakSet,pc=function(){var e;(e=Y(this,Qs))==null||e.setAttribute(`aria-expanded`,`true`),this.addEventListener(`transitionend`,()=>this.focus(),{once:!0}),le(Jc(this),Y(this,gc)),le(this,Y(this,_c))},mc=new WeakSet,hc=function(){var e;(e=Y(this,Qs))==null||e.setAttribute(`aria-expanded`,`false`),ue(Jc(this),Y(this,gc)),ue(this,Y(this,_c))},gc=new WeakMap,_c=new WeakMap,vc=new WeakSet,yc=function(e){if(this.hasAttribute(`mediacontroller`)&&!this.anchor||this.hidden||!this.anchorElement)return;let{x:t,y:n}=Vs({anchor:this.anchorElement,floating:this,placement:`top-start`});e??=this.offsetWidth;let r=Jc(this).getBoundingClientRect(),i=r.width-t-e,a=r.height-n-this.offsetHeight,{style:o}=Y(this,nc);o.setProperty(`position`,`absolute`),o.setProperty(`right`,`${Math.max(0,i)}px`),o.setProperty(`--_menu-bottom`,`${a}px`);let s=getComputedStyle(this),c=o.getPropertyValue(`--_menu-bottom`)===s.bottom?a:parseFloat(s.bottom),l=r.height-c-parseFloat(s.marginBottom);this.style.setProperty(`--_menu-max-height`,`${l}px`)},bc=new WeakSet,xc=function(e){let t=this.querySelector(`[role="menuitem"][aria-haspopup][aria-expanded="true"]`),n=t?.querySelector(`[role="menu"]`),{style:r}=Y(this,nc);if(e||r.setProperty(`--media-menu-transition-in`,`none`),n){let e=n.offsetHeight,r=Math.max(n.offsetWidth,t.offsetWidth);this.style.setProperty(`min-width`,`${r}px`),this.style.setProperty(`min-height`,`${e}px`),Q(this,vc,yc).call(this,r)}else this.style.removeProperty(`min-width`),this.style.removeProperty(`min-height`),Q(this,vc,yc).call(this);r.removeProperty(`--media-menu-transition-in`)},Sc=new WeakSet,Cc=function(e){var t;if(e.stopPropagation(),e.composedPath().includes(Y(this,wc,Tc))){(t=Y(this,Zs))==null||t.focus(),this.hidden=!0;return}let n=Q(this,Pc,Fc).call(this,e);n&&!n.hasAttribute(`disabled`)&&(Q(this,Rc,zc).call(this,n),this.handleSelect(e))},wc=new WeakSet,Tc=function(){return this.shadowRoot.querySelector(`slot[name="header"]`).assignedElements({flatten:!0})?.find(e=>e.matches(`button[part~="back"]`))},Ec=new WeakSet,Dc=function(e){if(e.target===this)return;Q(this,Oc,kc).call(this);let t=Array.from(this.querySelectorAll(`[role="menuitem"][aria-haspopup]`));for(let n of t)n.invokeTargetElement!=e.target&&e.newState==`open`&&n.getAttribute(`aria-expanded`)==`true`&&!n.invokeTargetElement.hidden&&n.invokeTargetElement.dispatchEvent(new qs({relatedTarget:n}));for(let e of t)e.setAttribute(`aria-expanded`,`${!e.submenuElement.hidden}`);Q(this,bc,xc).call(this,!0)},Oc=new WeakSet,kc=function(){let e=this.querySelector(`[role="menuitem"] > [role="menu"]:not([hidden])`);this.container.classList.toggle(`has-expanded`,!!e)},Ac=new WeakSet,jc=function(e){var t;pe(this,e.relatedTarget)||(Y(this,tc)&&((t=Y(this,Zs))==null||t.focus()),Y(this,Qs)&&Y(this,Qs)!==e.relatedTarget&&!this.hidden&&(this.hidden=!0))},Mc=new WeakSet,Nc=function(e){var t,n,r,i,a;let{key:o,ctrlKey:s,altKey:c,metaKey:l}=e;if(!(s||c||l)&&this.keysUsed.includes(o)){if(e.preventDefault(),e.stopPropagation(),o===`Tab`){if(Y(this,tc)){this.hidden=!0;return}e.shiftKey?(n=(t=this.previousElementSibling)?.focus)==null||n.call(t):(i=(r=this.nextElementSibling)?.focus)==null||i.call(r),this.blur()}else o===`Escape`?((a=Y(this,Zs))==null||a.focus(),Y(this,tc)&&(this.hidden=!0)):o===`Enter`||o===` `?this.handleSelect(e):this.handleMove(e)}},Pc=new WeakSet,Fc=function(e){return e.composedPath().find(e=>[`menuitemradio`,`menuitemcheckbox`].includes(e.role))},Ic=new WeakSet,Lc=function(){return this.items.find(e=>e.tabIndex===0)},Rc=new WeakSet,zc=function(e){for(let t of this.items)t.tabIndex=t===e?0:-1},Bc=new WeakSet,Vc=function(e,t){let n=[...this.checkedItems];e.type===`radio`&&this.radioGroupItems.forEach(e=>e.checked=!1),e.checked=!t||!e.checked,this.checkedItems.some((e,t)=>e!=n[t])&&this.dispatchEvent(new Event(`change`,{bubbles:!0,composed:!0}))},Kc.shadowRootOptions={mode:`open`},Kc.getTemplateHTML=Wc;function qc(e){return[`menuitem`,`menuitemradio`,`menuitemcheckbox`].includes(e?.role)}function Jc(e){return(e.getAttribute(`bounds`)?me(e,`#${e.getAttribute(`bounds`)}`):de(e)||e.parentElement)??e}d.customElements.get(`media-chrome-menu`)||d.customElements.define(`media-chrome-menu`,Kc);function Yc(e){return`
    ${Kc.getTemplateHTML(e)}
    <style>
      :host {
        --_menu-bg: rgb(20 20 30 / .8);
        background: var(--media-settings-menu-background,
            var(--media-menu-background,
              var(--media-control-background,
                var(--media-secondary-color, var(--_menu-bg)))));
        min-width: var(--media-settings-menu-min-width, 170px);
        border-radius: 2px 2px 0 0;
        overflow: hidden;
      }

      @-moz-document url-prefix() {
        :host{
          --_menu-bg: rgb(20 20 30);
        }
      }

      :host([role="menu"]) {
        
        justify-content: end;
      }

      slot:not([name]) {
        justify-content: var(--media-settings-menu-justify-content);
        flex-direction: var(--media-settings-menu-flex-direction, column);
        overflow: visible;
      }

      #container.has-expanded {
        --media-settings-menu-item-opacity: 0;
      }
    </style>
  `}var Xc=class extends Kc{get anchorElement(){return this.anchor===`auto`?de(this).querySelector(`media-settings-menu-button`):super.anchorElement}};Xc.getTemplateHTML=Yc,d.customElements.get(`media-settings-menu`)||d.customElements.define(`media-settings-menu`,Xc);var Zc=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},$=(e,t,n)=>(Zc(e,t,`read from private field`),n?n.call(e):t.get(e)),Qc=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},$c=(e,t,n,r)=>(Zc(e,t,`write to private field`),r?r.call(e,n):t.set(e,n),n),el=(e,t,n)=>(Zc(e,t,`access private method`),n),tl,nl,rl,il,al,ol,sl,cl,ll,ul,dl,fl,pl;function ml(e){return`
    <style>
      :host {
        transition: var(--media-menu-item-transition,
          background .15s linear,
          opacity .2s ease-in-out
        );
        outline: var(--media-menu-item-outline, 0);
        outline-offset: var(--media-menu-item-outline-offset, -1px);
        cursor: var(--media-cursor, pointer);
        display: flex;
        align-items: center;
        align-self: stretch;
        justify-self: stretch;
        white-space: nowrap;
        white-space-collapse: collapse;
        text-wrap: nowrap;
        padding: .4em .8em .4em 1em;
      }

      :host(:focus-visible) {
        box-shadow: var(--media-menu-item-focus-shadow, inset 0 0 0 2px rgb(27 127 204 / .9));
        outline: var(--media-menu-item-hover-outline, 0);
        outline-offset: var(--media-menu-item-hover-outline-offset,  var(--media-menu-item-outline-offset, -1px));
      }

      :host(:hover) {
        cursor: var(--media-cursor, pointer);
        background: var(--media-menu-item-hover-background, rgb(92 92 102 / .5));
        outline: var(--media-menu-item-hover-outline);
        outline-offset: var(--media-menu-item-hover-outline-offset,  var(--media-menu-item-outline-offset, -1px));
      }

      :host([aria-checked="true"]) {
        background: var(--media-menu-item-checked-background);
      }

      :host([hidden]) {
        display: none;
      }

      :host([disabled]) {
        pointer-events: none;
        color: rgba(255, 255, 255, .3);
      }

      slot:not([name]) {
        width: 100%;
      }

      slot:not([name="submenu"]) {
        display: inline-flex;
        align-items: center;
        transition: inherit;
        opacity: var(--media-menu-item-opacity, 1);
      }

      slot[name="description"] {
        justify-content: end;
      }

      slot[name="description"] > span {
        display: inline-block;
        margin-inline: 1em .2em;
        max-width: var(--media-menu-item-description-max-width, 100px);
        text-overflow: ellipsis;
        overflow: hidden;
        font-size: .8em;
        font-weight: 400;
        text-align: right;
        position: relative;
        top: .04em;
      }

      slot[name="checked-indicator"] {
        display: none;
      }

      :host(:is([role="menuitemradio"],[role="menuitemcheckbox"])) slot[name="checked-indicator"] {
        display: var(--media-menu-item-checked-indicator-display, inline-block);
      }

      
      svg, img, ::slotted(svg), ::slotted(img) {
        height: var(--media-menu-item-icon-height, var(--media-control-height, 24px));
        fill: var(--media-icon-color, var(--media-primary-color, rgb(238 238 238)));
        display: block;
      }

      
      [part~="indicator"],
      ::slotted([part~="indicator"]) {
        fill: var(--media-menu-item-indicator-fill,
          var(--media-icon-color, var(--media-primary-color, rgb(238 238 238))));
        height: var(--media-menu-item-indicator-height, 1.25em);
        margin-right: .5ch;
      }

      [part~="checked-indicator"] {
        visibility: hidden;
      }

      :host([aria-checked="true"]) [part~="checked-indicator"] {
        visibility: visible;
      }
    </style>
    <slot name="checked-indicator">
      <svg aria-hidden="true" viewBox="0 1 24 24" part="checked-indicator indicator">
        <path d="m10 15.17 9.193-9.191 1.414 1.414-10.606 10.606-6.364-6.364 1.414-1.414 4.95 4.95Z"/>
      </svg>
    </slot>
    <slot name="prefix"></slot>
    <slot></slot>
    <slot name="description"></slot>
    <slot name="suffix">
      ${this.getSuffixSlotInnerHTML(e)}
    </slot>
    <slot name="submenu"></slot>
  `}function hl(e){return``}var gl={TYPE:`type`,VALUE:`value`,CHECKED:`checked`,DISABLED:`disabled`},_l=class extends d.HTMLElement{constructor(){if(super(),Qc(this,rl),Qc(this,al),Qc(this,sl),Qc(this,fl),Qc(this,tl,!1),Qc(this,nl,void 0),Qc(this,ll,()=>{this.submenuElement.items&&this.setAttribute(`submenusize`,`${this.submenuElement.items.length}`);let e=this.shadowRoot.querySelector(`slot[name="description"]`),t=this.submenuElement.checkedItems?.[0],n=t?.dataset.description??t?.text,r=f.createElement(`span`);r.textContent=n??``,e.replaceChildren(r)}),Qc(this,ul,e=>{let{key:t}=e;this.keysUsed.includes(t)?this.handleClick(e):this.removeEventListener(`keyup`,$(this,ul))}),Qc(this,dl,e=>{let{metaKey:t,altKey:n,key:r}=e;t||n||!this.keysUsed.includes(r)?this.removeEventListener(`keyup`,$(this,ul)):this.addEventListener(`keyup`,$(this,ul),{once:!0})}),!this.shadowRoot){this.attachShadow(this.constructor.shadowRootOptions);let e=b(this.attributes);this.shadowRoot.innerHTML=this.constructor.getTemplateHTML(e)}}static get observedAttributes(){return[gl.TYPE,gl.DISABLED,gl.CHECKED,gl.VALUE]}enable(){this.hasAttribute(`tabindex`)||this.setAttribute(`tabindex`,`-1`),vl(this)&&!this.hasAttribute(`aria-checked`)&&this.setAttribute(`aria-checked`,`false`),this.addEventListener(`click`,this),this.addEventListener(`keydown`,this)}disable(){this.removeAttribute(`tabindex`),this.removeEventListener(`click`,this),this.removeEventListener(`keydown`,this),this.removeEventListener(`keyup`,this)}handleEvent(e){switch(e.type){case`slotchange`:el(this,rl,il).call(this,e);break;case`click`:this.handleClick(e);break;case`keydown`:$(this,dl).call(this,e);break;case`keyup`:$(this,ul).call(this,e)}}attributeChangedCallback(e,t,n){e===gl.CHECKED&&vl(this)&&!$(this,tl)?this.setAttribute(`aria-checked`,n==null?`false`:`true`):e===gl.TYPE&&n!==t?this.role=`menuitem`+n:e===gl.DISABLED&&n!==t&&(n==null?this.enable():this.disable())}connectedCallback(){this.hasAttribute(gl.DISABLED)||this.enable(),this.role=`menuitem`+this.type,$c(this,nl,yl(this,this.parentNode)),el(this,fl,pl).call(this),this.submenuElement&&el(this,al,ol).call(this),this.shadowRoot.addEventListener(`slotchange`,this)}disconnectedCallback(){this.disable(),el(this,fl,pl).call(this),$c(this,nl,null),this.shadowRoot.removeEventListener(`slotchange`,this)}get invokeTarget(){return this.getAttribute(`invoketarget`)}set invokeTarget(e){this.setAttribute(`invoketarget`,`${e}`)}get invokeTargetElement(){return this.invokeTarget?ge(this)?.querySelector(`#${this.invokeTarget}`):this.submenuElement}get submenuElement(){return this.shadowRoot.querySelector(`slot[name="submenu"]`).assignedElements({flatten:!0})[0]}get type(){return this.getAttribute(gl.TYPE)??``}set type(e){this.setAttribute(gl.TYPE,`${e}`)}get value(){return this.getAttribute(gl.VALUE)??this.text}set value(e){this.setAttribute(gl.VALUE,e)}get text(){return(this.textContent??``).trim()}get checked(){if(vl(this))return this.getAttribute(`aria-checked`)===`true`}set checked(e){vl(this)&&($c(this,tl,!0),this.setAttribute(`aria-checked`,e?`true`:`false`),e?this.part.add(`checked`):this.part.remove(`checked`))}handleClick(e){vl(this)||this.invokeTargetElement&&pe(this,e.target)&&this.invokeTargetElement.dispatchEvent(new qs({relatedTarget:this}))}get keysUsed(){return[`Enter`,` `]}};tl=new WeakMap,nl=new WeakMap,rl=new WeakSet,il=function(e){let t=e.target;if(!t?.name)for(let e of t.assignedNodes({flatten:!0}))e instanceof Text&&e.textContent.trim()===``&&e.remove();t.name===`submenu`&&(this.submenuElement?el(this,al,ol).call(this):el(this,sl,cl).call(this))},al=new WeakSet,ol=async function(){this.setAttribute(`aria-haspopup`,`menu`),this.setAttribute(`aria-expanded`,`${!this.submenuElement.hidden}`),this.submenuElement.addEventListener(`change`,$(this,ll)),this.submenuElement.addEventListener(`addmenuitem`,$(this,ll)),this.submenuElement.addEventListener(`removemenuitem`,$(this,ll)),$(this,ll).call(this)},sl=new WeakSet,cl=function(){this.removeAttribute(`aria-haspopup`),this.removeAttribute(`aria-expanded`),this.submenuElement.removeEventListener(`change`,$(this,ll)),this.submenuElement.removeEventListener(`addmenuitem`,$(this,ll)),this.submenuElement.removeEventListener(`removemenuitem`,$(this,ll)),$(this,ll).call(this)},ll=new WeakMap,ul=new WeakMap,dl=new WeakMap,fl=new WeakSet,pl=function(){let e=$(this,nl)?.radioGroupItems;if(!e)return;let t=e.filter(e=>e.getAttribute(`aria-checked`)===`true`).pop();t||=e[0];for(let t of e)t.setAttribute(`aria-checked`,`false`);t?.setAttribute(`aria-checked`,`true`)},_l.shadowRootOptions={mode:`open`},_l.getTemplateHTML=ml,_l.getSuffixSlotInnerHTML=hl;function vl(e){return e.type===`radio`||e.type===`checkbox`}function yl(e,t){if(!e)return null;let{host:n}=e.getRootNode();return!t&&n?yl(e,n):t?.items?t:yl(t,t?.parentNode)}d.customElements.get(`media-chrome-menu-item`)||d.customElements.define(`media-chrome-menu-item`,_l);function bl(e){return`
    ${_l.getTemplateHTML.call(this,e)}
    <style>
      slot:not([name="submenu"]) {
        opacity: var(--media-settings-menu-item-opacity, var(--media-menu-item-opacity));
      }

      :host([aria-expanded="true"]:hover) {
        background: transparent;
      }
    </style>
  `}function xl(e){return`
    <svg aria-hidden="true" viewBox="0 0 20 24">
      <path d="m8.12 17.585-.742-.669 4.2-4.665-4.2-4.666.743-.669 4.803 5.335-4.803 5.334Z"/>
    </svg>
  `}var Sl=class extends _l{};Sl.shadowRootOptions={mode:`open`},Sl.getTemplateHTML=bl,Sl.getSuffixSlotInnerHTML=xl,d.customElements.get(`media-settings-menu-item`)||d.customElements.define(`media-settings-menu-item`,Sl);var Cl=class extends B{connectedCallback(){super.connectedCallback(),this.invokeTargetElement&&this.setAttribute(`aria-haspopup`,`menu`)}get invokeTarget(){return this.getAttribute(`invoketarget`)}set invokeTarget(e){this.setAttribute(`invoketarget`,`${e}`)}get invokeTargetElement(){return this.invokeTarget?ge(this)?.querySelector(`#${this.invokeTarget}`):null}handleClick(){var e;(e=this.invokeTargetElement)==null||e.dispatchEvent(new qs({relatedTarget:this}))}};d.customElements.get(`media-chrome-menu-button`)||d.customElements.define(`media-chrome-menu-button`,Cl);function wl(){return`
    <style>
      :host([aria-expanded="true"]) slot[name=tooltip] {
        display: none;
      }
    </style>
    <slot name="icon">
      <svg aria-hidden="true" viewBox="0 0 24 24">
        <path d="M4.5 14.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Zm7.5 0a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Zm7.5 0a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z"/>
      </svg>
    </slot>
  `}function Tl(){return k(`Settings`)}var El=class extends Cl{static get observedAttributes(){return[...super.observedAttributes,`target`]}connectedCallback(){super.connectedCallback(),this.setAttribute(`aria-label`,k(`settings`))}get invokeTargetElement(){return this.invokeTarget==null?de(this).querySelector(`media-settings-menu`):super.invokeTargetElement}};El.getSlotTemplateHTML=wl,El.getTooltipContentHTML=Tl,d.customElements.get(`media-settings-menu-button`)||d.customElements.define(`media-settings-menu-button`,El);var Dl=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},Ol=(e,t,n)=>(Dl(e,t,`read from private field`),n?n.call(e):t.get(e)),kl=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},Al,jl={RATES:`rates`},Ml=[1,1.2,1.5,1.7,2];function Nl(e){return Math.round(e*100)/100}function Pl(e){return`
    <style>
      :host {
        min-width: 5ch;
        padding: var(--media-button-padding, var(--media-control-padding, 10px 5px));
      }
    </style>
    <slot name="icon">${e.mediaplaybackrate?Nl(+e.mediaplaybackrate):1}x</slot>
  `}function Fl(){return k(`Playback rate`)}var Il=class extends B{constructor(){super(),kl(this,Al,new nn(this,jl.RATES,{defaultValue:Ml})),this.container=this.shadowRoot.querySelector(`slot[name="icon"]`),this.container.innerHTML=`${Nl(this.mediaPlaybackRate??1)}x`}static get observedAttributes(){return[...super.observedAttributes,g.MEDIA_PLAYBACK_RATE,jl.RATES]}attributeChangedCallback(e,t,n){if(super.attributeChangedCallback(e,t,n),e===jl.RATES&&(Ol(this,Al).value=n),e===g.MEDIA_PLAYBACK_RATE){let e=n?+n:NaN,t=Nl(Number.isNaN(e)?1:e);this.container.innerHTML=`${t}x`,this.setAttribute(`aria-label`,k(`Playback rate {playbackRate}`,{playbackRate:t}))}}get rates(){return Ol(this,Al)}set rates(e){e?Array.isArray(e)?Ol(this,Al).value=e.join(` `):typeof e==`string`&&(Ol(this,Al).value=e):Ol(this,Al).value=``}get mediaPlaybackRate(){return S(this,g.MEDIA_PLAYBACK_RATE,1)}set mediaPlaybackRate(e){C(this,g.MEDIA_PLAYBACK_RATE,e)}handleClick(){let e=Array.from(Ol(this,Al).values(),e=>+e).sort((e,t)=>e-t),t=e.find(e=>e>this.mediaPlaybackRate)??e[0]??1,n=new d.CustomEvent(p.MEDIA_PLAYBACK_RATE_REQUEST,{composed:!0,bubbles:!0,detail:t});this.dispatchEvent(n)}};Al=new WeakMap,Il.getSlotTemplateHTML=Pl,Il.getTooltipContentHTML=Fl,d.customElements.get(`media-playback-rate-button`)||d.customElements.define(`media-playback-rate-button`,Il);var Ll=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},Rl=(e,t,n)=>(Ll(e,t,`read from private field`),n?n.call(e):t.get(e)),zl=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},Bl=(e,t,n)=>(Ll(e,t,`access private method`),n),Vl,Hl,Ul,Wl,Gl,Kl={RATES:`rates`},ql=class extends Kc{constructor(){super(),zl(this,Hl),zl(this,Wl),zl(this,Vl,new nn(this,Kl.RATES,{defaultValue:Ml})),Bl(this,Hl,Ul).call(this)}static get observedAttributes(){return[...super.observedAttributes,g.MEDIA_PLAYBACK_RATE,Kl.RATES]}attributeChangedCallback(e,t,n){super.attributeChangedCallback(e,t,n),e===g.MEDIA_PLAYBACK_RATE&&t!=n?(this.value=n,Bl(this,Hl,Ul).call(this)):e===Kl.RATES&&t!=n&&(Rl(this,Vl).value=n,Bl(this,Hl,Ul).call(this))}connectedCallback(){super.connectedCallback(),this.addEventListener(`change`,Bl(this,Wl,Gl))}disconnectedCallback(){super.disconnectedCallback(),this.removeEventListener(`change`,Bl(this,Wl,Gl))}get anchorElement(){return this.anchor===`auto`?de(this).querySelector(`media-playback-rate-menu-button`):super.anchorElement}get rates(){return Rl(this,Vl)}set rates(e){e?Array.isArray(e)?Rl(this,Vl).value=e.join(` `):typeof e==`string`&&(Rl(this,Vl).value=e):Rl(this,Vl).value=``,Bl(this,Hl,Ul).call(this)}get mediaPlaybackRate(){return S(this,g.MEDIA_PLAYBACK_RATE,1)}set mediaPlaybackRate(e){C(this,g.MEDIA_PLAYBACK_RATE,e)}};Vl=new WeakMap,Hl=new WeakSet,Ul=function(){this.defaultSlot.textContent=``;let e=Nl(this.mediaPlaybackRate),t=new Set(Array.from(Rl(this,Vl)).map(e=>Nl(Number(e))));e>0&&!t.has(e)&&t.add(e);let n=Array.from(t).sort((e,t)=>e-t);for(let t of n){let n=Hc({type:`radio`,text:this.formatMenuItemText(`${t}x`,t),value:t.toString(),checked:e===t});n.prepend(Uc(this,`checked-indicator`)),this.defaultSlot.append(n)}},Wl=new WeakSet,Gl=function(){if(!this.value)return;let e=new d.CustomEvent(p.MEDIA_PLAYBACK_RATE_REQUEST,{composed:!0,bubbles:!0,detail:this.value});this.dispatchEvent(e)},d.customElements.get(`media-playback-rate-menu`)||d.customElements.define(`media-playback-rate-menu`,ql);var Jl=(e,t,n)=>{if(!t.has(e))throw TypeError(`Cannot `+n)},Yl=(e,t,n)=>(Jl(e,t,`read from private field`),n?n.call(e):t.get(e)),Xl=(e,t,n)=>{if(t.has(e))throw TypeError(`Cannot add the same private member more than once`);t instanceof WeakSet?t.add(e):t.set(e,n)},Zl=(e,t,n,r)=>(Jl(e,t,`write to private field`),r?r.call(e,n):t.set(e,n),n),Ql=(e,t,n)=>(Jl(e,t,`access private method`),n),$l,eu,tu,nu,ru,iu=`
  <svg aria-hidden="true" viewBox="0 0 26 24" part="captions-indicator indicator">
    <path d="M22.83 5.68a2.58 2.58 0 0 0-2.3-2.5c-3.62-.24-11.44-.24-15.06 0a2.58 2.58 0 0 0-2.3 2.5c-.23 4.21-.23 8.43 0 12.64a2.58 2.58 0 0 0 2.3 2.5c3.62.24 11.44.24 15.06 0a2.58 2.58 0 0 0 2.3-2.5c.23-4.21.23-8.43 0-12.64Zm-11.39 9.45a3.07 3.07 0 0 1-1.91.57 3.06 3.06 0 0 1-2.34-1 3.75 3.75 0 0 1-.92-2.67 3.92 3.92 0 0 1 .92-2.77 3.18 3.18 0 0 1 2.43-1 2.94 2.94 0 0 1 2.13.78c.364.359.62.813.74 1.31l-1.43.35a1.49 1.49 0 0 0-1.51-1.17 1.61 1.61 0 0 0-1.29.58 2.79 2.79 0 0 0-.5 1.89 3 3 0 0 0 .49 1.93 1.61 1.61 0 0 0 1.27.58 1.48 1.48 0 0 0 1-.37 2.1 2.1 0 0 0 .59-1.14l1.4.44a3.23 3.23 0 0 1-1.07 1.69Zm7.22 0a3.07 3.07 0 0 1-1.91.57 3.06 3.06 0 0 1-2.34-1 3.75 3.75 0 0 1-.92-2.67 3.88 3.88 0 0 1 .93-2.77 3.14 3.14 0 0 1 2.42-1 3 3 0 0 1 2.16.82 2.8 2.8 0 0 1 .73 1.31l-1.43.35a1.49 1.49 0 0 0-1.51-1.21 1.61 1.61 0 0 0-1.29.58A2.79 2.79 0 0 0 15 12a3 3 0 0 0 .49 1.93 1.61 1.61 0 0 0 1.27.58 1.44 1.44 0 0 0 1-.37 2.1 2.1 0 0 0 .6-1.15l1.4.44a3.17 3.17 0 0 1-1.1 1.7Z"/>
  </svg>`;function au(e){return`
    ${Kc.getTemplateHTML(e)}
    <slot name="captions-indicator" hidden>${iu}</slot>
  `}var ou=class extends Kc{constructor(){super(...arguments),Xl(this,eu),Xl(this,nu),Xl(this,$l,void 0)}static get observedAttributes(){return[...super.observedAttributes,g.MEDIA_SUBTITLES_LIST,g.MEDIA_SUBTITLES_SHOWING]}attributeChangedCallback(e,t,n){super.attributeChangedCallback(e,t,n),e===g.MEDIA_SUBTITLES_LIST&&t!==n?Ql(this,eu,tu).call(this):e===g.MEDIA_SUBTITLES_SHOWING&&t!==n&&(this.value=n||``,Ql(this,eu,tu).call(this))}connectedCallback(){super.connectedCallback(),this.addEventListener(`change`,Ql(this,nu,ru))}disconnectedCallback(){super.disconnectedCallback(),this.removeEventListener(`change`,Ql(this,nu,ru))}get anchorElement(){return this.anchor===`auto`?de(this).querySelector(`media-captions-menu-button`):super.anchorElement}get mediaSubtitlesList(){return su(this,g.MEDIA_SUBTITLES_LIST)}set mediaSubtitlesList(e){cu(this,g.MEDIA_SUBTITLES_LIST,e)}get mediaSubtitlesShowing(){return su(this,g.MEDIA_SUBTITLES_SHOWING)}set mediaSubtitlesShowing(e){cu(this,g.MEDIA_SUBTITLES_SHOWING,e)}};$l=new WeakMap,eu=new WeakSet,tu=function(){let e=Yl(this,$l)!==JSON.stringify(this.mediaSubtitlesList),t=this.value!==this.getAttribute(g.MEDIA_SUBTITLES_SHOWING);if(!e&&!t)return;Zl(this,$l,JSON.stringify(this.mediaSubtitlesList)),this.defaultSlot.textContent=``;let n=!this.value,r=Hc({type:`radio`,text:this.formatMenuItemText(k(`Off`)),value:`off`,checked:n});r.prepend(Uc(this,`checked-indicator`)),this.defaultSlot.append(r);let i=this.mediaSubtitlesList;for(let e of i){let t=Hc({type:`radio`,text:this.formatMenuItemText(e.label,e),value:mn(e),checked:this.value==mn(e)});t.prepend(Uc(this,`checked-indicator`)),(e.kind??`subs`)===`captions`&&t.append(Uc(this,`captions-indicator`)),this.defaultSlot.append(t)}},nu=new WeakSet,ru=function(){let e=this.mediaSubtitlesShowing,t=this.getAttribute(g.MEDIA_SUBTITLES_SHOWING),n=this.value!==t;if(e?.length&&n&&this.dispatchEvent(new d.CustomEvent(p.MEDIA_DISABLE_SUBTITLES_REQUEST,{composed:!0,bubbles:!0,detail:e})),!this.value||!n)return;let r=new d.CustomEvent(p.MEDIA_SHOW_SUBTITLES_REQUEST,{composed:!0,bubbles:!0,detail:this.value});this.dispatchEvent(r)},ou.getTemplateHTML=au;var su=(e,t)=>{let n=e.getAttribute(t);return n?fn(n):[]},cu=(e,t,n)=>{if(!n?.length){e.removeAttribute(t);return}let r=hn(n);e.getAttribute(t)!==r&&e.setAttribute(t,r)};d.customElements.get(`media-captions-menu`)||d.customElements.define(`media-captions-menu`,ou);var lu=`<svg class="k-line" aria-hidden="true" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"><rect x="3" y="6.500" width="18" height="11" rx="2"/></svg>`,uu=`<svg class="k-line" slot="icon" aria-hidden="true" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"><path d="M4 7h8M18 7h2M4 17h2M12 17h8"/><circle cx="15" cy="7" r="2.500"/><circle cx="9" cy="17" r="2.500"/></svg>`,du=(e,t)=>`
<media-controller nohotkeys breakpoints="sm:384">
  <div class="k-shade k-controls"></div>
  <div slot="top-chrome" class="k-message" role="status" hidden></div>
  <dl slot="top-chrome" class="k-stats" hidden></dl>
  <media-loading-indicator slot="centered-chrome" noautohide></media-loading-indicator>
  <media-play-button slot="centered-chrome" class="k-big" notooltip></media-play-button>
  <media-settings-menu hidden class="k-menu">
    <media-settings-menu-item class="k-quality" hidden>Quality
      <media-chrome-menu slot="submenu" class="k-levels" hidden><div slot="title">Quality</div></media-chrome-menu>
    </media-settings-menu-item>
    <media-settings-menu-item>Speed
      <media-playback-rate-menu slot="submenu" hidden rates="0.5 0.75 1 1.25 1.5 1.75 2"><div slot="title">Speed</div></media-playback-rate-menu>
    </media-settings-menu-item>
    ${t?`<media-settings-menu-item>Captions
      <media-captions-menu slot="submenu" hidden><div slot="title">Captions</div></media-captions-menu>
    </media-settings-menu-item>`:``}
    <media-chrome-menu-item type="checkbox" class="k-p2p" value="p2p" hidden>Peer to peer</media-chrome-menu-item>
    <media-chrome-menu-item type="checkbox" class="k-statsitem" value="stats">Statistics</media-chrome-menu-item>
  </media-settings-menu>
  <media-control-bar class="k-seek k-controls">
    <media-time-range><media-preview-time-display slot="preview"></media-preview-time-display></media-time-range>
  </media-control-bar>
  <media-control-bar class="k-controls">
    <media-play-button></media-play-button>
    <media-mute-button></media-mute-button>
    <media-volume-range></media-volume-range>
    <media-time-display showduration notoggle></media-time-display>
    <span class="k-space"></span>
    ${t?`<media-captions-button></media-captions-button>`:``}
    <media-settings-menu-button>${uu}</media-settings-menu-button>
    <media-pip-button></media-pip-button>
    ${e?`<media-chrome-button class="k-wide" role="button" aria-label="Theatre mode" aria-pressed="false">${lu}<span slot="tooltip-content">Theatre mode</span></media-chrome-button>`:``}
    <media-fullscreen-button></media-fullscreen-button>
  </media-control-bar>
</media-controller>`;function fu(e,t,n){let r=document.createElement(`template`);r.innerHTML=du(n,t.querySelector(`track`)!==null);let i=document.importNode(r.content,!0).firstElementChild,a=e=>i.querySelector(e),o={controller:i,qualityMenu:a(`.k-levels`),qualityItem:a(`.k-quality`),p2pItem:a(`.k-p2p`),statsItem:a(`.k-statsitem`),wide:a(`.k-wide`),stats:a(`.k-stats`),message:a(`.k-message`)};return t.slot=`media`,t.controls=!1,e.append(i),i.prepend(t),o}var pu=`input:not([type=range]), textarea, select, [contenteditable], dialog, media-settings-menu, media-chrome-menu`,mu=`button, a, summary, [role=button], [role=menuitem], [role=switch]`;function hu(e,t){if(e.ctrlKey||e.metaKey||e.altKey||e.defaultPrevented)return!1;let n=e.target;if(n.closest(pu))return!1;let{video:r}=t,i=t.host.contains(n),a=e.key;if(a===` `&&(n.closest(mu)||n.matches(`media-play-button`))||a.startsWith(`Arrow`)&&n.closest(`media-time-range, media-volume-range, [role=slider]`))return!1;if(/^[0-9]$/.test(a))return r.duration&&(r.currentTime=r.duration*Number(a)/10),!0;let o=e=>{r.currentTime=Math.max(0,r.currentTime+e)},s=e=>{r.volume=Math.min(1,Math.max(0,r.volume+e))},c=e=>{r.playbackRate=Math.min(3,Math.max(.25,r.playbackRate+e))};switch(a){case` `:case`k`:t.play();break;case`j`:o(-10);break;case`l`:o(10);break;case`m`:r.muted=!r.muted;break;case`f`:t.fullscreen();break;case`t`:t.theatre();break;case`i`:t.pip();break;case`c`:t.captions();break;case`<`:c(-.25);break;case`>`:c(.25);break;case`ArrowLeft`:if(!i)return!1;o(-5);break;case`ArrowRight`:if(!i)return!1;o(5);break;case`ArrowUp`:if(!i)return!1;s(.05);break;case`ArrowDown`:if(!i)return!1;s(-.05);break;case`,`:if(!r.paused)return!1;o(-1/30);break;case`.`:if(!r.paused)return!1;o(1/30);break;default:return!1}return!0}function gu(){return{httpBytes:0,p2pBytes:0,uploadBytes:0,peers:0,validated:0,invalid:0,p2p:`off`,originDown:!1,level:-1,bandwidth:0}}var _u=(function(){let e=typeof document<`u`&&document.createElement(`link`).relList;return e&&e.supports&&e.supports(`modulepreload`)?`modulepreload`:`preload`})(),vu=function(e){return`/assets/`+e},yu={},bu=function(e){return e.pathname.endsWith(`.css`)},xu=function(e,t,n){if(t in e)return e[t];let r=n();if(!r){e[t]=void 0;return}let i=r.then(()=>{e[t]=void 0},n=>{throw e[t]=void 0,n});return e[t]=i,i},Su=function(e,t,n){let r=Promise.resolve();if(t&&t.length>0){let e,i=document.querySelector(`meta[property=csp-nonce]`),a=i?.nonce||i?.getAttribute(`nonce`);function o(e){return Promise.all(e.map(e=>Promise.resolve(e).then(e=>({status:`fulfilled`,value:e}),e=>({status:`rejected`,reason:e}))))}function s(e){return import.meta.resolve?new URL(import.meta.resolve(e)):new URL(e,import.meta.url)}r=o(t.map(t=>{t=vu(t,n);let r=s(t),i=bu(r);return xu(yu,r.href,()=>{if(e===void 0){e={all:new Set,styles:new Set};let t=document.getElementsByTagName(`link`);for(let n=t.length-1;n>=0;n--){let r=t[n];e.all.add(r.href),r.rel===`stylesheet`&&e.styles.add(r.href)}}if((i?e.styles:e.all).has(r.href))return;let t=document.createElement(`link`);if(t.rel=i?`stylesheet`:_u,i||(t.as=`script`),t.crossOrigin=``,t.href=r.href,a&&t.setAttribute(`nonce`,a),document.head.appendChild(t),i)return new Promise((e,n)=>{let i=a=>{t.removeEventListener(`load`,i),t.removeEventListener(`error`,i),a.type===`error`?n(Error(`Unable to preload CSS for ${r}`)):e(a)};t.addEventListener(`load`,i),t.addEventListener(`error`,i)})})}).filter(e=>e!==void 0))}function i(e){let t=new Event(`vite:preloadError`,{cancelable:!0});if(t.payload=e,window.dispatchEvent(t),!t.defaultPrevented)throw e}return r.then(t=>{for(let e of t||[])e.status===`rejected`&&i(e.reason);return e().catch(i)})},Cu=1e3,wu=5e3,Tu={get(e){try{return localStorage.getItem(`kinemesh.${e}`)}catch{return null}},set(e,t){try{localStorage.setItem(`kinemesh.${e}`,t)}catch{}}},Eu=class extends HTMLElement{video;#e;#t;#n;#r=0;#i=new AbortController;#a=new URLSearchParams(location.search);connectedCallback(){if(this.video)return;let e=this.querySelector(`video`);e&&(this.video=e,this.setAttribute(`role`,`region`),this.setAttribute(`aria-label`,this.getAttribute(`label`)||`Video player`),this.toggleAttribute(`data-fresh`,!0),e.loop=this.#o(`loop`),e.muted=this.#o(`muted`),this.#e=fu(this,e,this.hasAttribute(`theatre`)),this.#m(),this.hasAttribute(`autoplay`)?this.#c().then(()=>this.#u()):this.#s(()=>void this.#c()))}disconnectedCallback(){this.#i.abort(),clearInterval(this.#r),this.#t?.destroy()}stats(){return this.#t?.stats()??gu()}get engine(){return this.#t}#o(e){let t=this.#a.get(e);return t!==null&&t!==`0`&&t!==`false`}#s(e){`requestIdleCallback`in window?requestIdleCallback(e,{timeout:1500}):setTimeout(e,200)}#c(){return this.#n??=this.#l(),this.#n}async#l(){let t=this.getAttribute(`hls`),n=e(this.#a.get(`start`)??this.getAttribute(`start`));if(!t||!(`MediaSource`in window||`ManagedMediaSource`in window)){n&&(this.video.currentTime=n);return}let{attach:r,supported:i}=await Su(async()=>{let{attach:e,supported:t}=await import(`./hls-Ddivb4Ef.js`);return{attach:e,supported:t}},[]);if(!i()||!this.isConnected)return;let a=!this.video.paused;this.video.querySelectorAll(`source`).forEach(e=>e.remove()),this.#t=r(this.video,{url:new URL(t,location.href).href,autoStart:a||this.hasAttribute(`autoplay`),start:n,p2p:this.#d(),onMessage:e=>{this.#e.message.textContent=e,this.#e.message.hidden=!e},onLevels:()=>this.#_()}),a&&this.#u(),this.#r=window.setInterval(()=>this.#v(),Cu)}async#u(){await this.#c(),this.#t?.start();try{await this.video.play()}catch{this.video.paused&&this.toggleAttribute(`data-fresh`,!0)}}#d(){let e=this.#a.get(`p2p`),t=this.#f(`trackers`,[]),n=this.getAttribute(`sha256`),r=this.getAttribute(`swarm`);if(!this.hasAttribute(`p2p`)||!t.length||!n||!r||!(`RTCPeerConnection`in window))return null;this.#e.p2pItem.hidden=!1;let i=e===null?Tu.get(`p2p`)!==`0`:this.#o(`p2p`);return this.#p(this.#e.p2pItem,i),i?{trackers:t,sha256:new URL(n,location.href).href,swarm:r,iceServers:this.#f(`ice`,[])}:null}#f(e,t){try{return JSON.parse(this.getAttribute(e)??``)}catch{return t}}#p(e,t){e.toggleAttribute(`checked`,t),e.setAttribute(`aria-checked`,String(t))}#m(){let{video:t}=this,{controller:n,p2pItem:r,statsItem:i,qualityMenu:a,wide:o,stats:s}=this.#e,c={signal:this.#i.signal};t.addEventListener(`play`,()=>{this.removeAttribute(`data-fresh`),this.#t?this.#t.start():this.#u()},c),this.#h(c);let l=e(this.#a.get(`stop`));if(l){let e=()=>{t.currentTime<l||(t.pause(),t.removeEventListener(`timeupdate`,e))};t.addEventListener(`timeupdate`,e,c)}t.requestVideoFrameCallback?.(()=>performance.mark(`kinemesh-first-frame`)),a.addEventListener(`change`,()=>this.#t?.set(Number(a.value)),c),r.addEventListener(`click`,()=>{let e=Tu.get(`p2p`)===`0`;Tu.set(`p2p`,e?`1`:`0`),this.#p(r,e),this.#e.message.textContent=`Peer to peer is ${e?`on`:`off`} from the next video on.`,this.#e.message.hidden=!1,setTimeout(()=>{this.#e.message.hidden=!0},3e3)},c),i.addEventListener(`click`,()=>{s.hidden=!s.hidden,this.#p(i,!s.hidden),this.#v()},c),o?.addEventListener(`click`,()=>this.#g(),c),this.hasAttribute(`theatre`)&&Tu.get(`theatre`)===`1`&&this.#g(),document.addEventListener(`keydown`,e=>{Tu.get(`keys`)!==`0`&&hu(e,{video:t,host:this,play:()=>void(t.paused?this.#u():t.pause()),captions:()=>n.querySelector(`media-captions-button`)?.click(),fullscreen:()=>n.querySelector(`media-fullscreen-button`)?.click(),pip:()=>n.querySelector(`media-pip-button`)?.click(),theatre:()=>this.#g()})&&e.preventDefault()},c)}#h(e){let t=this.getAttribute(`video`);if(!t)return;let{video:n}=this,r=0,i=(e=!1)=>{r=Date.now(),fetch(`/api/v1/videos/${t}/views`,{method:`POST`,headers:{"Content-Type":`application/json`},keepalive:!0,body:JSON.stringify({currentTime:Math.floor(n.currentTime),...e&&{viewEvent:`seek`}})}).catch(()=>void 0)};n.addEventListener(`playing`,()=>{r||i()},e),n.addEventListener(`timeupdate`,()=>{r&&!n.paused&&Date.now()-r>=wu&&i()},e);let a=0;n.addEventListener(`seeked`,()=>{clearTimeout(a),r&&(a=window.setTimeout(()=>i(!0),500))},e),n.addEventListener(`pause`,()=>{r&&!n.seeking&&i()},e),window.addEventListener(`pagehide`,()=>{r&&!n.paused&&i()},e)}#g(){let{wide:e}=this.#e;if(!e)return;let t=document.documentElement.toggleAttribute(`data-theatre`);e.setAttribute(`aria-pressed`,String(t)),Tu.set(`theatre`,t?`1`:`0`)}#_(){let e=this.#t;if(!e)return;let{qualityItem:t,qualityMenu:n}=this.#e,r=e.levels().sort((e,t)=>t.height-e.height||t.bitrate-e.bitrate),i=r.find(t=>t.index===e.get());t.hidden=r.length<2;let a=n.querySelectorAll(`media-chrome-menu-item`),o=`Auto${i&&e.auto()?` (${i.height}p)`:``}`;if(a.length===r.length+1){a[0].textContent=o;return}a.forEach(e=>e.remove());let s=(e,t)=>{let r=document.createElement(`media-chrome-menu-item`);r.setAttribute(`type`,`radio`),r.setAttribute(`value`,String(e)),e===-1&&r.setAttribute(`checked`,``),r.textContent=t,n.append(r)};s(-1,o);for(let e of r)s(e.index,`${e.height}p`)}#v(){let e=this.stats();e.p2p===`on`&&this.dispatchEvent(new CustomEvent(`kinemesh-stats`,{detail:e,bubbles:!0}));let{stats:r}=this.#e;if(r.hidden)return;let{video:i}=this,a=i.getVideoPlaybackQuality(),o=i.buffered.length?i.buffered.end(i.buffered.length-1):i.currentTime,s=[[`Resolution`,`${i.videoWidth}×${i.videoHeight}`],[`Dropped frames`,`${a.droppedVideoFrames} of ${a.totalVideoFrames}`],[`Buffer`,`${(o-i.currentTime).toFixed(1)} s`],[`Bandwidth`,`${(e.bandwidth/1e6).toFixed(1)} Mbit/s`],[`From server`,n(e.httpBytes)],[`From peers`,`${n(e.p2pBytes)} (${t(e.p2pBytes,e.p2pBytes+e.httpBytes)} %)`],[`To peers`,n(e.uploadBytes)],[`Peers`,e.p2p===`on`?String(e.peers):{off:`off`,waiting:`starting`,failed:`not available`}[e.p2p]],[`Segments checked`,`${e.validated}${e.invalid?`, ${e.invalid} refused`:``}`]];r.replaceChildren(...s.map(([e,t])=>{let n=document.createElement(`div`),r=document.createElement(`dt`),i=document.createElement(`dd`);return r.textContent=e,i.textContent=t,n.append(r,i),n}))}};customElements.get(`kinemesh-player`)||customElements.define(`kinemesh-player`,Eu);export{gu as n,Su as t};