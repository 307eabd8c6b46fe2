# Настройки platform-payment-sync.
#
# Скопируйте этот файл в /etc/platform-payment-sync/config.env или укажите другое место в PAYMENT_SYNC_CONFIG.  Формат тот же, что
# у EnvironmentFile= в systemd; переменная окружения важнее строки этого файла.  Пустое значение — всё равно что никакого, а имена,
# которых сервис не знает, пропускаются.  Поэтому .env сервиса на Python подходит как есть.
#
# Пробел и # начинают комментарий и внутри значения.  Если они входят в само значение, возьмите его в кавычки: KEY="secret #1".
#
# Настройка после "# " показана со значением по умолчанию; чтобы изменить её, уберите "# ".  "paymentctl check" сверяет всё
# с аккаунтом.

# --- Обязательные ---------------------------------------------------------------------------------------------------

# Ключ, которым платформа подписывает вебхуки (HMAC-SHA256).  Не меньше 24 случайных байтов: openssl rand -hex 32.
# Секрет может стоять не здесь, а быть содержимым файла: WEBHOOK_SECRET_FILE=/path, или секретом webhook-secret в хранилище
# systemd.
WEBHOOK_SECRET=

# Аккаунт, например https://name.amocrm.ru.  Простой http допускается только для адреса самой машины (loopback).
AMO_BASE_URL=

# Долгосрочный токен amoCRM.  Также из AMO_ACCESS_TOKEN_FILE или из секрета amocrm-token.
AMO_ACCESS_TOKEN=

# --- Вебхук ---------------------------------------------------------------------------------------------------------

# Тоже принимается, пока ключ меняют; WEBHOOK_SECRET_PREVIOUS_FILE или секрет webhook-secret-previous.
WEBHOOK_SECRET_PREVIOUS=

# Принимать X-Webhook-Secret (сам секрет или HMAC шестнадцатеричными цифрами), если отправитель не прислал заголовка надёжнее.
# WEBHOOK_LEGACY_SECRET=True

# Ответ на платёж, который уже перенесён: 409 или 200 — для отправителей, которые после 4xx отключают вебхук.
# DUPLICATE_STATUS=409

# Часовой пояс, в котором указано время в вебхуках.
# PAYMENT_TIMEZONE=Europe/Moscow

# Валюта сумм в amoCRM. Платёж в другой валюте переносится: контакт, сделка, примечание и счётчик, но к итогу ничего не
# прибавляется и в денежные поля ничего не пишется. Пусто: прибавляется всё, что заплачено.
# PAYMENT_CURRENCY=RUB

# --- Перенос --------------------------------------------------------------------------------------------------------

# inline: рабочий процесс переносит платёж и потом отвечает.  queue: он отвечает, когда платёж записан, а переносит его
# payment-syncd.
# DELIVERY=inline

# По истечении этого времени рабочий процесс отвечает "queued", а продолжает payment-syncd.
# INLINE_DEADLINE_MS=8000

# Сколько рабочих процессов принимает вебхуки (то же задаёт payment.fcgi -w).  При inline все, кроме одного, могут одновременно
# ждать amoCRM.  При queue не ждёт никто, и хватает двух на каждое ядро процессора.
# WORKERS=4

# Создавать контакт и сделку, если их не нашлось; иначе ответом будет 404.
# CREATE_IF_NOT_FOUND=True

# Быстрые повторы внутри одной попытки переноса: сколько раз и какова самая короткая и самая длинная пауза между ними, в секундах.
# RETRY_MAX_ATTEMPTS=3
# RETRY_WAIT_MIN=2
# RETRY_WAIT_MAX=10

# Платёж, который не удалось перенести за это время и не меньше чем за пять попыток, получает статус "failed" и ждёт
# человека.
# RETRY_MAX_AGE_HOURS=72

# --- amoCRM ---------------------------------------------------------------------------------------------------------

# Запросов в секунду от всех процессов этой машины вместе (от 1 до 200; amoCRM разрешает 7).
# AMO_RATE_LIMIT=7

# Сколько может длиться один запрос к amoCRM, не считая поиска её имени в DNS.
# AMO_TIMEOUT_MS=10000

# Каким сертификатам доверять вместо системных; для тестов.
AMO_CA_FILE=

# Как находится сделка контакта.  linked: в списке сделок самого контакта.  query: поиском по телефону и почте.
# AMO_LEAD_LOOKUP=linked

# --- Файлы ----------------------------------------------------------------------------------------------------------

# Журнал платежей.
# PAYMENTS_DB=/var/lib/platform-payment-sync/payments.sqlite

# Общее для работающих процессов: ограничитель запросов и блокировки.  У всех программ с одним журналом платежей каталог должен
# быть один, в контейнерах тоже.  Обе настройки меняются только с перезапуском.
# PAYMENTS_RUN_DIR=/run/platform-payment-sync

# Правила.  Если не задано: /etc/platform-payment-sync/mapping.json, если он есть, иначе встроенные.  Изменённый файл вступает
# в силу по "systemctl reload", если в нём нет ошибок.
PAYMENT_MAPPING=

# DEBUG, INFO, WARNING или ERROR.
# LOG_LEVEL=INFO

# --- Поля amoCRM ----------------------------------------------------------------------------------------------------
# "paymentctl discover" печатает идентификаторы аккаунта в этом же виде.  Поле, идентификатор которого не задан, не заполняется.

AMO_CONTACT_FIELD_TG_ID=
AMO_CONTACT_FIELD_TG_USERNAME=

AMO_LEAD_FIELD_SUBJECTS=
AMO_LEAD_FIELD_DIRECTION=
AMO_LEAD_FIELD_LAST_PAYMENT_AMOUNT=
AMO_LEAD_FIELD_TOTAL_PAID=
AMO_LEAD_FIELD_PURCHASE_COUNT=
AMO_LEAD_FIELD_LAST_PAYMENT_DATE=
AMO_LEAD_FIELD_PAYMENT_ID=
AMO_LEAD_FIELD_INVOICE_ID=
AMO_LEAD_FIELD_PAYMENT_STATUS=

# Если они не заданы, используются стандартные поля отслеживания, которые есть в каждом аккаунте.
AMO_LEAD_FIELD_UTM_SOURCE=
AMO_LEAD_FIELD_UTM_MEDIUM=
AMO_LEAD_FIELD_UTM_CAMPAIGN=
AMO_LEAD_FIELD_UTM_CONTENT=
AMO_LEAD_FIELD_UTM_TERM=
AMO_LEAD_FIELD_YM_UID=

# Варианты счётчика покупок, если это поле-список; без них счётчик пишется числом.
AMO_PURCHASE_COUNT_1=
AMO_PURCHASE_COUNT_2=
AMO_PURCHASE_COUNT_3=
AMO_PURCHASE_COUNT_4=
AMO_PURCHASE_COUNT_5=
AMO_PURCHASE_COUNT_6=
AMO_PURCHASE_COUNT_7=
AMO_PURCHASE_COUNT_8=
AMO_PURCHASE_COUNT_9=
AMO_PURCHASE_COUNT_10=

# --- Варианты для встроенных правил ---------------------------------------------------------------------------------
# Предмет, идентификатор которого не задан, не записывается; платёж переносится, а примечание называет этот предмет.

AMO_SUBJECT_OBSHCHESTVO=
AMO_SUBJECT_ENGLISH=
AMO_SUBJECT_HISTORY=
AMO_SUBJECT_RUSSIAN=
AMO_SUBJECT_PHYSICS=
AMO_SUBJECT_CHEMISTRY=
AMO_SUBJECT_LITERATURE=
AMO_SUBJECT_MATH_PROF_MASHA=
AMO_SUBJECT_MATH_PROF_SASHA=
AMO_SUBJECT_MATH_BASE=
AMO_SUBJECT_BIOLOGY_ZHENYA=
AMO_SUBJECT_BIOLOGY_GELYA=
AMO_SUBJECT_INFORMATICS=

AMO_DIRECTION_EGE=
AMO_DIRECTION_OGE=

# --- Воронки --------------------------------------------------------------------------------------------------------
# Где создаётся новая сделка и с какого этапа она там начинает.  Сделка, которая всё ещё стоит на одном из этих этапов, активной
# не считается.

# AMO_PIPELINE_PARTNERS=8598230
# AMO_STATUS_AUTOPAY_PARTNERS=80517738
# AMO_PIPELINE_YANDEX=10089806
# AMO_STATUS_AUTOPAY_YANDEX=80579130
# AMO_PIPELINE_SITE=4423755
# AMO_STATUS_AUTOPAY_SITE=63242022

# Для аккаунта с одной воронкой: заменяют AMO_PIPELINE_SITE и AMO_STATUS_AUTOPAY_SITE, если те не заданы.
AMO_PIPELINE_ID=
AMO_DEFAULT_STATUS_ID=

# Воронку выбирает источник UTM, который содержит одно из первых значений, или канал UTM, который содержит одно из вторых.
# PARTNER_SOURCES=advcake,flocktory,tutortop,sravni,tbank,reshuege,ris.promo,gdeslon,admitad,pfm
# YANDEX_MEDIUMS=cpc,el-ege,cpm

# Этапы «успешно реализовано» и «закрыто и не реализовано»; в каждом аккаунте это 142 и 143.
# STATUS_SUCCESS=142
# STATUS_CLOSED=143
