// What the seeded shop still lacks, through its public admin API: a way to ship and to pay, a coupon, and a
// home page with a hero and two product grids.
import fs from 'node:fs';
import path from 'node:path';
import { images } from './photographs.mjs';

const heroes = ['nathan-fertig-249917-unsplash.jpg', 'natalia-y-345738-unsplash.jpg'];

/** Posts to the admin API and gives back what it calls `data`. */
function client(url, token) {
  return async (to, body) => {
    const response = await fetch(`${url}/api/${to}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`POST /api/${to}: ${response.status} ${text.slice(0, 300)}`);
    return JSON.parse(text).data;
  };
}

async function checkout(post) {
  const zone = await post('shippingZones', { name: 'US', countries: ['US'], provinces: [] });
  // A new zone already ships with the provider `core`.
  const method = await post('shippingProviders/core/methods', { name: 'Standard', is_enabled: true });
  await post('shippingProviders/core/rates', {
    method_id: method.uuid,
    zone_id: zone.uuid,
    is_enabled: true,
    cost: 5,
  });
  await post('settings', { codPaymentStatus: 1, codDisplayName: 'Cash on delivery' });
  await post('coupons', {
    coupon: 'SAVE10',
    description: '10 percent off',
    status: '1',
    discount_type: 'percentage_discount_to_entire_order',
    discount_amount: '10',
    start_date: '',
    end_date: '',
    free_shipping: '0',
  });
}

const onHome = (order) => [{ route: 'homepage', area: 'content', sort_order: order }];

const slide = (id, image, headline, buttonLink) => ({
  id,
  image: `/assets/hero/${image}`,
  width: 1600,
  height: 1067,
  headline,
  buttonText: 'Shop now',
  buttonLink,
});

async function home(post, dir) {
  const hero = path.join(dir, 'media/hero');
  fs.mkdirSync(hero, { recursive: true });
  for (const file of heroes) fs.copyFileSync(path.join(images, file), path.join(hero, file));
  await post('widgets', {
    name: 'Hero',
    status: 1,
    type: 'simple_slider',
    placements: onHome(10),
    settings: {
      dots: true,
      arrows: true,
      autoplay: false,
      autoplaySpeed: 5000,
      fullWidth: true,
      slides: [slide('s1', heroes[0], 'Autumn living', '/accessories'), slide('s2', heroes[1], 'Fresh tones', '/women')],
    },
  });
  const grid = (name, order, settings) =>
    post('widgets', { name, status: 1, type: 'collection_products', placements: onHome(order), settings });
  await grid('Featured', 20, { collection: 'homepage', count: 8, countPerRow: 4, heading: 'Featured' });
  await grid('Best sellers', 30, { collection: 'best-sellers', count: 4, countPerRow: 4, heading: 'Best sellers' });
}

export async function furnish(url, admin, dir) {
  const { accessToken } = await client(url)('user/tokens', admin);
  const post = client(url, accessToken);
  await checkout(post);
  await home(post, dir);
}
