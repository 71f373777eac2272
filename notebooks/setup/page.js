// JupyterLab's own copy of Vega, for pages that are read without JupyterLab: its files add their modules, of which
// some are known by a second number.
const drawFigure = (() => {
	const modules = {}, loaded = {}, sameAs = SAME
	const load = number => {
		number = sameAs[number] ?? number
		if (!loaded[number]) {
			const module = loaded[number] = {exports: {}}
			modules[number]?.call(module.exports, module, module.exports, load) // Node's "process" is missing, and not needed
		}
		return loaded[number].exports
	}
	load.d = (exports, getters) => {
		for (const name in getters) Object.defineProperty(exports, name, {enumerable: true, get: getters[name]})
	}
	load.r = exports => Object.defineProperty(exports, "__esModule", {value: true})
	load.o = (object, name) => Object.hasOwn(object, name)
	load.n = module => {
		const get = () => module.__esModule ? module.default : module
		load.d(get, {a: get})
		return get
	}
	const self = {BUNDLE: {push: ([, more]) => Object.assign(modules, more)}}
	FILES
	return load(ENTRY).default
})()
