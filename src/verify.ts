export async function verifyApp(_: object): Promise<number> { return 0 }
