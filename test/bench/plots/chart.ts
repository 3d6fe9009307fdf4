import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

echarts.use([BarChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** What a plot says besides its data. */
export interface Caption {
  title: string;
  subtitle: string;
}

const WIDTH = 860;
const ROW = 26;
const MARGIN = 110;
const PALETTE = ["#1f6feb", "#bf8700", "#8250df", "#1a7f37", "#cf222e", "#57606a", "#0598bc", "#bc4c00"];
const OTHERS = "#57606a";
const INK = "#1f2328";
const FAINT = "#d0d7de";

/** Renders a chart on a background of its own, so that it is legible on any page. */
function render(height: number, { title, subtitle }: Caption, option: echarts.EChartsCoreOption): string {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    color: PALETTE,
    textStyle: { fontFamily: "sans-serif", color: INK },
    title: {
      ...{ text: title, subtext: subtitle, left: 16, top: 12 },
      textStyle: { fontSize: 16, color: INK },
      subtextStyle: { fontSize: 12, color: "#57606a" },
    },
    ...option,
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

export interface Bars extends Caption {
  /** What each group of bars is. */
  names: string[];
  /** One bar in each group: its length, and what stands beside it. */
  series: { name: string; values: number[]; labels: string[] }[];
}

/** Draws horizontal bars, the first name on top. */
export function bars({ names, series, ...caption }: Bars): string {
  const height = MARGIN + ROW * names.length * Math.max(1, series.length * 0.75);
  return render(height, caption, {
    grid: { left: 210, right: 190, top: series.length > 1 ? 92 : 66, bottom: 16 },
    legend:
      series.length > 1 ? { top: 60, left: 16, itemGap: 28, textStyle: { color: INK } } : { show: false },
    xAxis: { type: "value", splitLine: { lineStyle: { color: FAINT } }, axisLabel: { show: false } },
    yAxis: {
      ...{ type: "category", inverse: true, data: names },
      ...{ axisTick: { show: false }, axisLabel: { color: INK, fontSize: 12 } },
    },
    series: series.map(({ name, values, labels }) => ({
      name,
      type: "bar",
      data: values.map((value, row) => ({
        value,
        ...(series.length === 1 && { itemStyle: { color: names[row] === "vmstate" ? PALETTE[0] : OTHERS } }),
        label: {
          show: true,
          position: "right",
          color: INK,
          fontSize: 11,
          formatter: () => labels[row] ?? "",
        },
      })),
    })),
  });
}

export interface Lines extends Caption {
  /** The scale of the x axis. Default: logarithmic. */
  scale?: "linear" | "logarithmic";
  xName: string;
  yName: string;
  x: number[];
  series: { name: string; values: (number | null)[] }[];
}

/** Draws lines over a logarithmic y axis. */
export function lines({ scale, xName, yName, x, series, ...caption }: Lines): string {
  const axis = {
    nameLocation: "middle",
    nameTextStyle: { color: INK },
    splitLine: { lineStyle: { color: FAINT } },
    axisLabel: { color: INK },
  };
  return render(460, caption, {
    grid: { left: 80, right: 260, top: 70, bottom: 56 },
    legend: { orient: "vertical", left: 620, top: 80, textStyle: { color: INK } },
    xAxis: { ...axis, type: scale === "linear" ? "value" : "log", name: xName, nameGap: 32 },
    yAxis: { ...axis, type: "log", name: yName, nameGap: 56 },
    series: series.map(({ name, values }) => ({
      ...{ name, type: "line", symbolSize: 7, showSymbol: scale !== "linear" },
      data: values.flatMap((value, at) => (value === null ? [] : [[x[at], value]])),
    })),
  });
}
