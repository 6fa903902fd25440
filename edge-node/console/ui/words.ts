// The one dictionary of the pages: official terms of Decree 30/2020 where there is one, short sentences elsewhere. Every word that a person reads
// stands here or comes from the server's catalogue; screens hold none of their own.

import { compose, drafts, further } from './words-compose.ts';
import { document, pages, safety, work } from './words-document.ts';
import { help, link, notFound, overview, problem, signIn } from './words-frame.ts';
import {
  inbox,
  kinds,
  list,
  outbox,
  sendState,
  standing,
  standingFilters,
  urgency,
  urgencyNames,
} from './words-lists.ts';
import { directory, follow, registers } from './words-office.ts';
import { account, apiKeys, audit, people, roles, system } from './words-people.ts';

export const words = {
  product: 'Liên thông văn bản',
  loading: 'Đang tải…',
  wrongClock: (aheadMs: number): string => {
    const minutes = Math.round(Math.abs(aheadMs) / 60_000);
    const [days, hours] = [Math.round(minutes / 1_440), Math.round(minutes / 60)];
    const far = minutes < 90 ? `${minutes} phút` : hours < 36 ? `${hours} giờ` : `${days} ngày`;
    return `Đồng hồ của máy tính này ${aheadMs > 0 ? 'nhanh' : 'chậm'} khoảng ${far} so với máy chủ của cơ quan. Giờ trên trang theo máy chủ, văn bản không bị ảnh hưởng; hãy chỉnh lại đồng hồ máy tính.`;
  },
  menu: {
    label: 'Danh mục chính',
    overview: 'Tổng quan',
    inbox: 'Văn bản đến',
    registers: 'Sổ văn bản',
    follow: 'Theo dõi xử lý',
    figures: 'Thống kê',
    outbox: 'Văn bản đi',
    compose: 'Soạn văn bản',
    drafts: 'Dự thảo',
    unsent: 'Hộp gửi',
    directory: 'Danh bạ đơn vị',
    system: 'Hệ thống',
    account: 'Tài khoản của tôi',
    help: 'Trợ giúp',
    signOut: 'Đăng xuất',
    skip: 'Bỏ qua danh mục, tới nội dung',
    open: 'Danh mục',
  },
  roles,
  urgency,
  urgencyNames,
  kinds,
  sendState,
  signIn,
  link,
  overview,
  list,
  inbox,
  standing,
  standingFilters,
  work,
  safety,
  registers,
  follow,
  outbox,
  document,
  pages,
  compose,
  drafts,
  further,
  directory,
  system,
  people,
  apiKeys,
  account,
  audit,
  help,
  problem,
  notFound,
} as const;
