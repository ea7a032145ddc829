/**
 * Answers as models write them in other scripts, for measuring estimates against a real tokenizer:
 * the recordings have hardly any. Written for this file, none is a translation of a project's text.
 * `PROSE_FACTORS` of `calibrate-estimator.ts` was chosen with these in view.
 */
export const SCRIPT_SAMPLES: readonly (readonly [name: string, text: string])[] = [
  [
    'Russian prose',
    'Река начинается в горах и сначала течёт на север. Летом воды в ней мало, а весной, когда тает ' +
      'снег, она выходит из берегов и заливает луга. Рыбаки знают, что лучше всего ловить рано утром. ' +
      'Если хотите, я расскажу, как доехать туда на поезде и где можно остановиться на ночь.',
  ],
  [
    'Ukrainian prose',
    'Щоб приготувати борщ, спершу зваріть бульйон, а потім додайте буряк, картоплю і капусту. ' +
      'Наприкінці покладіть часник та зелень. Подавайте зі сметаною і теплим хлібом.',
  ],
  [
    'Chinese prose',
    '这条河发源于山区，先向北流，然后转向东。夏天水位很低，春天雪融化的时候，河水会漫过两岸的草地。' +
      '如果你打算去旅行，我建议你提前预订住宿，因为附近的旅馆不多。另外，请记得带一件厚外套，晚上会很冷。',
  ],
  [
    'traditional Chinese prose',
    '這座圖書館建於一百年前，收藏了許多珍貴的書籍。每逢週末，附近的學生都會來這裡讀書，也有人只是為了' +
      '欣賞窗外的庭園。開放時間是早上九點到晚上八點，星期一休館。',
  ],
  [
    'Japanese prose',
    'この川は山から始まり、最初は北へ流れます。夏には水が少なくなりますが、春に雪が解けると岸を越えて' +
      '草地に広がります。釣りをするなら早朝がおすすめです。電車での行き方や泊まる場所についても説明できます。',
  ],
  [
    'Korean prose',
    '이 강은 산에서 시작하여 처음에는 북쪽으로 흐릅니다. 여름에는 물이 적지만 봄에 눈이 녹으면 강둑을 넘어 ' +
      '풀밭으로 퍼집니다. 낚시를 하려면 이른 아침이 가장 좋습니다. 기차로 가는 방법도 알려 드릴 수 있습니다.',
  ],
  [
    'Arabic prose',
    'يبدأ النهر في الجبال ويجري أولاً نحو الشمال. في الصيف تقل المياه، وفي الربيع عندما يذوب الثلج يفيض ' +
      'على ضفتيه ويغطي المروج. يعرف الصيادون أن أفضل وقت للصيد هو الصباح الباكر.',
  ],
  [
    'Hebrew prose',
    'הנהר מתחיל בהרים וזורם תחילה צפונה. בקיץ יש בו מעט מים, ובאביב כשהשלג נמס הוא עולה על גדותיו ומציף ' +
      'את האחו. הדייגים יודעים שהשעה הטובה ביותר היא מוקדם בבוקר.',
  ],
  [
    'Hindi prose',
    'यह नदी पहाड़ों से निकलती है और पहले उत्तर की ओर बहती है। गर्मियों में इसमें पानी कम होता है, लेकिन वसंत में ' +
      'जब बर्फ पिघलती है तो यह किनारों से बाहर आ जाती है। मछली पकड़ने के लिए सुबह का समय सबसे अच्छा है।',
  ],
  [
    'Bengali prose',
    'নদীটি পাহাড় থেকে শুরু হয়ে প্রথমে উত্তর দিকে বয়ে যায়। গ্রীষ্মে এতে জল কম থাকে, কিন্তু বসন্তে বরফ গললে ' +
      'তা দুই পাড় ছাপিয়ে মাঠে ছড়িয়ে পড়ে।',
  ],
  [
    'Tamil prose',
    'இந்த ஆறு மலைகளில் தொடங்கி முதலில் வடக்கு நோக்கி பாய்கிறது. கோடையில் தண்ணீர் குறைவாக இருக்கும், ஆனால் ' +
      'வசந்த காலத்தில் பனி உருகும் போது கரைகளைத் தாண்டி பரவுகிறது.',
  ],
  [
    'Thai prose',
    'แม่น้ำสายนี้เริ่มต้นจากภูเขาและไหลไปทางทิศเหนือก่อน ในฤดูร้อนน้ำจะน้อย แต่ในฤดูใบไม้ผลิเมื่อหิมะละลาย ' +
      'น้ำจะล้นตลิ่งและท่วมทุ่งหญ้า ชาวประมงรู้ดีว่าเวลาที่เหมาะที่สุดคือเช้าตรู่',
  ],
  [
    'Greek prose',
    'Το ποτάμι ξεκινά από τα βουνά και κυλά πρώτα προς τον βορρά. Το καλοκαίρι έχει λίγο νερό, αλλά την ' +
      'άνοιξη, όταν λιώνει το χιόνι, ξεχειλίζει και σκεπάζει τα λιβάδια.',
  ],
  [
    'Georgian prose',
    'მდინარე მთებში იწყება და თავდაპირველად ჩრდილოეთისკენ მიედინება. ზაფხულში წყალი ცოტაა, მაგრამ ' +
      'გაზაფხულზე, როცა თოვლი დნება, ნაპირებს სცდება.',
  ],
  [
    'German prose',
    'Der Fluss entspringt im Gebirge und fließt zuerst nach Norden. Im Sommer führt er wenig Wasser, aber ' +
      'im Frühling, wenn der Schnee schmilzt, tritt er über die Ufer und überschwemmt die Wiesen.',
  ],
  [
    'Vietnamese prose',
    'Con sông này bắt nguồn từ vùng núi và ban đầu chảy về phía bắc. Mùa hè nước cạn, nhưng đến mùa xuân, ' +
      'khi tuyết tan, nước tràn qua hai bờ và ngập các đồng cỏ.',
  ],
  [
    'emoji among words',
    '🎉 Great news! Your trip is booked ✈️🏖️. Pack: 🧴 sunscreen, 👙 swimwear, 📚 two books, 🔌 an adapter. ' +
      'See you on Friday 👋😊 — and don’t forget your 🛂 passport! ❤️👍🏽',
  ],
  [
    'code with Russian comments',
    '// Считает сумму списка; пустой список даёт ноль.\nexport function sum(values: number[]): number {\n' +
      '  // Здесь нет переполнения: значения — целые.\n  return values.reduce((a, b) => a + b, 0);\n}\n',
  ],
  [
    'code with Chinese comments',
    '# 读取文件并统计每个单词出现的次数\ndef count_words(path: str) -> dict[str, int]:\n    counts = {}\n' +
      '    with open(path, encoding="utf-8") as file:\n        for line in file:  # 逐行处理，避免占用太多内存\n' +
      '            for word in line.split():\n                counts[word] = counts.get(word, 0) + 1\n    return counts\n',
  ],
  [
    'a JSON object in Japanese',
    '{"名前": "山田太郎", "住所": "東京都千代田区", "電話": "03-0000-0000", "備考": "午前中に配達してください。"}',
  ],
  [
    'a table in Markdown',
    '| Город | Население | Высота |\n| --- | ---: | ---: |\n| Самара | 1 163 440 | 117 м |\n' +
      '| 上海 | 24 870 895 | 4 m |\n| القاهرة | 10 203 693 | 23 م |\n',
  ],
  [
    'Russian answer',
    'Ошибка возникает потому, что переменная ещё не определена. Добавьте проверку перед вызовом функции, ' +
      'и программа перестанет падать. После этого запустите тесты ещё раз.',
  ],
  [
    'Chinese answer',
    '出现这个错误是因为变量还没有定义。请在调用函数之前加上检查，这样程序就不会崩溃了。修改之后，记得重新运行测试。',
  ],
  [
    'Japanese answer',
    'このエラーは、変数がまだ定義されていないために発生します。関数を呼び出す前に確認を追加してください。' +
      'その後、テストをもう一度実行しましょう。',
  ],
  [
    'Korean answer',
    '이 오류는 변수가 아직 정의되지 않았기 때문에 발생합니다. 함수를 호출하기 전에 확인을 추가하세요. 그런 다음 테스트를 다시 실행하세요.',
  ],
  [
    'Arabic answer',
    'يحدث هذا الخطأ لأن المتغير لم يتم تعريفه بعد. أضف تحققًا قبل استدعاء الدالة، ثم شغّل الاختبارات مرة أخرى.',
  ],
  [
    'Hebrew answer',
    'השגיאה מתרחשת כי המשתנה עדיין לא הוגדר. הוסיפו בדיקה לפני הקריאה לפונקציה, ואז הריצו את הבדיקות שוב.',
  ],
  [
    'Hindi answer',
    'यह त्रुटि इसलिए आती है क्योंकि चर अभी परिभाषित नहीं है। फ़ंक्शन को बुलाने से पहले एक जाँच जोड़ें और फिर परीक्षण दोबारा चलाएँ।',
  ],
  [
    'Thai answer',
    'ข้อผิดพลาดนี้เกิดขึ้นเพราะยังไม่ได้กำหนดตัวแปร ให้เพิ่มการตรวจสอบก่อนเรียกใช้ฟังก์ชัน แล้วจึงรันการทดสอบอีกครั้ง',
  ],
  [
    'Greek answer',
    'Το σφάλμα εμφανίζεται επειδή η μεταβλητή δεν έχει οριστεί ακόμα. Προσθέστε έναν έλεγχο πριν από την κλήση ' +
      'της συνάρτησης και εκτελέστε ξανά τις δοκιμές.',
  ],
  [
    'Vietnamese answer',
    'Lỗi này xảy ra vì biến chưa được khai báo. Hãy thêm một bước kiểm tra trước khi gọi hàm, rồi chạy lại các bài kiểm thử.',
  ],
  [
    'Turkish answer',
    'Bu hata, değişken henüz tanımlanmadığı için oluşuyor. Fonksiyonu çağırmadan önce bir kontrol ekleyin ve testleri yeniden çalıştırın.',
  ],
  [
    'Polish answer',
    'Ten błąd pojawia się, ponieważ zmienna nie została jeszcze zdefiniowana. Dodaj sprawdzenie przed wywołaniem funkcji i uruchom testy ponownie.',
  ],
  [
    'emoji list',
    '✅ Tests pass\n❌ Lint fails\n⚠️ 3 warnings\n🚀 Deployed to staging\n🔁 Retry at 10:30\n💡 Tip: run it with --fix',
  ],
];
