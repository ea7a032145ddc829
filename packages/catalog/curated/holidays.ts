/** Holiday calendars that prices refer to. */
import type { HolidayCalendar } from '../price-list.ts';

export const CHINESE_HOLIDAYS = 'cn';

function daysBetween(first: string, last: string): string[] {
  const days: string[] = [];
  for (let day = Date.parse(first); day <= Date.parse(last); day += 86_400_000) {
    days.push(new Date(day).toISOString().slice(0, 10));
  }
  return days;
}

/**
 * The notice for 2027 was not published when this was last looked for (2026-11-26); it appears each
 * November. Days outside the range are unknown, so that a hold takes the dearer price.
 */
export const CALENDARS: Readonly<Record<string, HolidayCalendar>> = {
  [CHINESE_HOLIDAYS]: {
    // State Council notice 国办发明电〔2025〕7号 of 2025-11-04. The days of work in exchange for a
    // holiday are all weekend days in 2026, which are off-peak anyway.
    source: 'https://www.gov.cn/zhengce/zhengceku/202511/content_7047091.htm',
    from: '2026-01-01',
    until: '2027-01-01',
    days: [
      ...daysBetween('2026-01-01', '2026-01-03'),
      ...daysBetween('2026-02-15', '2026-02-23'),
      ...daysBetween('2026-04-04', '2026-04-06'),
      ...daysBetween('2026-05-01', '2026-05-05'),
      ...daysBetween('2026-06-19', '2026-06-21'),
      ...daysBetween('2026-09-25', '2026-09-27'),
      ...daysBetween('2026-10-01', '2026-10-07'),
      // In every year: article 2 of 全国年节及纪念日放假办法 as amended on 2024-11-10.
      '2027-01-01',
    ],
  },
};
