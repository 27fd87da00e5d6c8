"""The words of sentences that tell a password, by language: a new language is a row of LANGUAGES.

The detectors read all languages at once: people and agents mix them, and a short text does not tell its own.
"""

from typing import NamedTuple


class PasswordWords(NamedTuple):
    """`nouns` for a password: a dash ends a stem that is inflected, and `_` stands for a blank. `copulas` stand between
    the noun and the password, `roles` say what the password serves as, `moves` from what or to what it was changed.
    `fillers` may stand beside all of these: articles, possessives, "new", "now".
    """

    nouns: str
    copulas: str = ""
    roles: str = ""
    moves: str = ""
    fillers: str = ""


LANGUAGES = {
    "English": PasswordWords(
        "password passwords passphrase passcode passwd pass pwd pw creds credentials p@ssword passw0rd"
        " pa$$word p@ssw0rd wifi_key wi-fi_key network_key pre-shared_key",
        "is was are be been being reads equals remains became becomes",
        "as",
        "to from into with using by via",
        "a an the my our your his her its their this that same new old current now still currently again just simply"
        " admin root temporary default",
    ),
    "German": PasswordWords(
        "passwort- passwörter kennwort- zugangswort losung wlan-schlüssel- netzwerkschlüssel-",
        "ist war lautet lautete sei bleibt heißt heisst wäre",
        "als",
        "von vom auf zu zum mit in",
        "das dem des der die den ein eine mein meine meinem unser unsere unserem dein ihr sein neue neues neuen alte"
        " altes alten jetzt nun aktuell derzeit immer noch bitte",
    ),
    "French": PasswordWords(
        "mot_de_passe mots_de_passe mdp motdepasse clé_wifi clé_wi-fi",
        "est était sera c'est reste devient",
        "comme",
        "de d' à a en par avec vers pour",
        "le la les un une du ce mon notre votre ton son leur nouveau nouvel ancien maintenant actuel toujours bien",
    ),
    "Spanish": PasswordWords(
        "contraseña contraseñas contrasena clave claves palabra_clave",
        "es era será sigue siendo",
        "como de",
        "a al por con desde",
        "la el los las una un mi nuestra tu su esta nueva vieja antigua actual ahora",
    ),
    "Italian": PasswordWords(
        "parola_d'ordine parola_chiave",
        "è era sarà rimane",
        "come",
        "da dal dalla a al con in per",
        "la il lo una un mia nostra tua sua nuova vecchia attuale adesso ora",
    ),
    "Portuguese": PasswordWords(
        "senha senhas palavra-passe palavra_passe palavras-passe",
        "é era será continua",
        "como",
        "de para por com",
        "a o as os uma um minha nossa tua sua nova antiga atual agora",
    ),
    "Catalan, Galician": PasswordWords(
        "contrasenya contrasenyes contrasinal contrasinais", "és era", "com", "de a per amb", "la el meva teva nova"
    ),
    "Dutch": PasswordWords(
        "wachtwoord- wagwoord-",
        "is was luidt blijft wordt",
        "als",
        "van naar in met op",
        "het de een mijn ons onze jouw uw zijn haar nieuwe oude nu nog steeds",
    ),
    "Polish": PasswordWords(
        "hasło hasła hasłem hasłu haśle haseł haslo hasla haslem",
        "to jest brzmi był było będzie",
        "jako",
        "z ze na do o",
        "moje moim naszym nasze twoje jego nowe nowym stare starego obecnie teraz nadal",
    ),
    "Czech, Slovak": PasswordWords(
        "heslo hesla heslem heslu heslom hesle hesiel",
        "je jest bylo bolo zní znie bude",
        "jako ako",
        "z ze zo na k ke ku do s se so",
        "moje mým naše naším mojím našou moja tvoje nové novým novým staré starého teraz nyní teď pořád stále",
    ),
    "Slovenian, Croatian, Serbian": PasswordWords(
        "geslo gesla geslom gesel gesla lozink- lozinc- zaporka zaporku zaporke šifra šifru šifre šifrom лозинк-"
        " лозинц- шифра шифру шифре шифром",
        "je bilo bila glasi био била је беше гласи гласи е",
        "kot kao као како",
        "iz z s sa na u v za od do са на у из од за до со во",
        "moje naše moja naša moj naš tvoja tvoje tvoj novo nova staro stara sada zdaj моја наша твоја нова нову стара"
        " сада сега мојата",
    ),
    "Hungarian": PasswordWords(
        "jelszó jelszo jelszav- jelszó-",
        "volt lett lesz az",
        "mint",
        "ról ről ra re val vel",
        "a az egy új régi most jelenleg enyém",
    ),
    "Romanian": PasswordWords(
        "parolă parola parolei parole parolele",
        "este e era fi rămâne sunt",
        "ca drept",
        "din în la cu de pe",
        "o a al mea noastră ta sa lui noua nouă veche vechea acum actuală",
    ),
    "Bulgarian": PasswordWords(
        "парола паролата пароли",
        "е беше бе бъде остава гласи",
        "като за",
        "от на с със към",
        "моята нашата моя наша нова новата стара старата сега вече",
    ),
    "Russian": PasswordWords(
        "пароль пароля паролем паролю пароле пароли паролей",
        "это был будет является остался равен",
        "как качестве",
        "с со на от из под",
        "в мой моим наш нашим твой ваш его новый новым старый старого сейчас теперь такой следующий",
    ),
    "Ukrainian, Belarusian": PasswordWords(
        "паролем паролю пароля паролі пароль гасло",
        "це був буде є гэта быў",
        "як якості",
        "з із зі на від для до",
        "мій мого наш твій його новий старий зараз тепер такий мой ваш",
    ),
    "Kazakh, Mongolian": PasswordWords("құпия_сөз- құпиясөз- нууц_үг", "болды болып бол нь", "ретінде", "", "менің"),
    "Greek": PasswordWords(
        "κωδικός κωδικό κωδικού κωδικοί κωδικους κωδικος κωδικο συνθηματικό συνθηματικού συνθηματικο κωδικός_πρόσβασης"
        " κωδικό_πρόσβασης κωδικού_πρόσβασης",
        "είναι ειναι ήταν ηταν παραμένει",
        "ως σαν για",
        "από απο σε με στο",
        "ο η το τον του την των μου μας σου του νέος νέο παλιός παλιό τώρα πλέον",
    ),
    "Turkish, Azerbaijani": PasswordWords(
        "şifre- sifre- parola- şifrə- parol- parolun-",
        "olarak oldu idi",
        "olarak kimi",
        "dan den tan ten ya ye a e ile",
        "benim bizim yeni eski şimdi artık şu mənim bu",
    ),
    "Finnish, Estonian": PasswordWords(
        "salasana- salasano- salasõna- parool- tunnussana-",
        "on oli olkoon kuuluu",
        "",
        "lle sta stä ksi st ks",
        "minun meidän sinun uusi vanha nyt mu minu meie uus vana praegu",
    ),
    "Swedish, Norwegian, Danish, Icelandic": PasswordWords(
        "lösenord- losenord- passord- adgangskode- kodeord- adgangsord- lykilorð-",
        "är var er lyder blir blev",
        "som sem",
        "från till fra til med í úr",
        "det den et ett en mitt mit min vårt vores vår din ditt dit sin nya nye nytt nyt gamla gamle nu nå fortfarende",
    ),
    "Latvian, Lithuanian": PasswordWords(
        "parole paroli paroles parolei slaptažodis slaptažodį slaptažodžio slaptažodžiu slaptazodis slaptažodžiai",
        "ir bija yra buvo būs bus",
        "kā kaip",
        "no uz ar iš į su",
        "mana mūsu tava jaunā vecā tagad mano mūsų tavo naujas naują senas dabar",
    ),
    "Albanian, Basque, Welsh, Irish, Esperanto": PasswordWords(
        "fjalëkalim- pasahitz- cyfrinair pasfhocal pasvort- focal_faire",
        "është ishte da zen yw oedd estas",
        "si gisa fel mar kiel",
        "nga në me",
        "im ynë i fy an",
    ),
    "Vietnamese": PasswordWords(
        "mật_khẩu mat_khau pass",
        "là la thành bằng",
        "làm như",
        "từ sang tu vào với",
        "của tôi mình em anh mới cũ hiện tại vẫn",
    ),
    "Indonesian, Malay, Filipino": PasswordWords(
        "kata_sandi kata_sandinya sandi sandinya kata_laluan kata_laluannya passwordnya",
        "adalah ialah yaitu ay",
        "sebagai bilang",
        "dari ke jadi menjadi kepada dengan pakai daripada mula sa",
        "saya kami kita anda baru lama sekarang masih ini itu ang aking namin",
    ),
    "Swahili, Afrikaans, Uzbek, Turkmen": PasswordWords("nenosiri neno_la_siri nywila", "ni ilikuwa", "kama", "kuwa"),
    "Arabic": PasswordWords(
        "كلمة_المرور كلمة_السر كلمة_مرور كلمة_سر كلمه_المرور كلمه_السر كلمات_المرور الرقم_السري رقم_سري الباسورد"
        " باسورد الباسوورد باسوورد",
        "هي هو كانت كان ستكون أصبحت تكون هى",
        "ك كـ باعتبارها",
        "من إلى الى ل ب بـ",
        "ال و ف الخاصة بي بنا بك ي نا الجديدة القديمة الحالية الآن لدي",
    ),
    "Hebrew": PasswordWords(
        "סיסמה סיסמא סיסמת סיסמתי סיסמאות סיסמתנו סיסמתו",
        "היא הוא היתה הייתה תהיה",
        "כ בתור",
        "מ ל ב עם",
        "ה ו ש של שלי שלנו שלך שלו החדשה הישנה הנוכחית עכשיו את",
    ),
    "Persian, Urdu": PasswordWords(
        "رمز_عبور گذرواژه گذرواژهٔ کلمه_عبور کلمهٔ_عبور پسورد رمز_ورود پاس_ورڈ پاسورڈ لفظ_اجازت کلمه_ی_عبور",
        "است بود این ہے تھا",
        "عنوان به بطور",
        "از به را با سے میں کو",
        "من ما شما جدید قدیمی فعلی ام میرا ہمارا نیا پرانا",
    ),
    "Hindi and its neighbours": PasswordWords(
        "पासवर्ड कूटशब्द शब्दकूट गुप्तशब्द पासवर्डला পাসওয়ার্ড পাসওয়ার্ড ਪਾਸਵਰਡ પાસવર્ડ கடவுச்சொல் பாஸ்வேர்டு"
        " సంకేతపదం పాస్వర్డ్ ಪಾಸ್ವರ್ಡ್ ಪ್ರವೇಶಪದ പാസ്വേഡ് പാസ്സ്വേഡ് මුරපදය",
        "है था हैं रहेगा आहे छ हो হলো হল হচ্ছে ਹੈ છે என்பது ఉంది",
        "रूप को के में हिसाब হিসেবে হিসাবে ਵਜੋਂ તરીકે ஆக",
        "से को में पर का की के थेকে থেকে তে",
        "मेरा मेरे हमारा हमारे अपना नया पुराना अब अभी আমার আমাদের নতুন ਮੇਰਾ મારો என் నా",
    ),
    "Thai, Lao, Khmer, Burmese": PasswordWords("รหัสผ่าน พาสเวิร์ด ລະຫັດຜ່ານ ពាក្យសម្ងាត់ ពាក្យសំងាត់ လျှို့ဝှက်နံပါတ် စကားဝှက်"),
    "Chinese": PasswordWords("密码 密碼 口令 密钥串 通行码"),
    "Japanese": PasswordWords("パスワード パスフレーズ パスコード 暗証番号 合言葉"),
    "Korean": PasswordWords(
        "비밀번호 비번 패스워드 암호",
        "는 은 가 이 입니다 이에요 예요 이다",
        "로 으로 로서",
        "에서 를 을 으로 로",
        "제 내 우리 저희 새 기존 현재 지금 의",
    ),
    "Georgian, Armenian": PasswordWords("პაროლი პაროლის გაღტნაბառ գաղտնաբառ-", "არის է", "როგორც որպես"),
}

NO_BLANKS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""Scripts that write a sentence without blanks, and Korean, which appends its particles to what is quoted."""


def _words(column: str) -> frozenset[str]:
    """A column of all rows."""
    return frozenset(word.replace("_", " ") for row in LANGUAGES.values() for word in getattr(row, column).split())


NOUNS = _words("nouns")
COPULAS = _words("copulas")
ROLES = _words("roles")
MOVES = _words("moves")
FILLERS = _words("fillers")
